"""Programs for the fake runner: what they say to what they hear."""

from __future__ import annotations

from tests.core.agents.fakes import Process


def obedient(process: Process, line: str) -> None:
    """Is ready at once; answers each prompt and ends the turn; asks when told to."""
    word, _, rest = line.partition(" ")
    match word:
        case "start":
            process.say("ready")
        case "prompt":
            text = rest.partition(" ")[2]
            if text.startswith("ask"):
                process.say("say May I?", "ask r1")
            elif text.startswith("work"):
                process.say("say Working.")
            elif text.startswith("fail"):
                process.say("end failed")
            elif text.startswith("crash"):
                process.say("crash")
            elif text.startswith("exit"):
                process.complain("I have had enough")
                process.leave(code=3)
            else:
                process.say(f"say You said {text}.", "end completed")
        case "answer":
            process.say(f"say Thanks for {rest}.", "end completed")
        case "cancel":
            process.say("end canceled")


def silent(process: Process, line: str) -> None:
    process.complain("starting up")


def stubborn(process: Process, line: str) -> None:
    if line != "cancel":
        obedient(process, line)
