"""Pairings and questions as rows of the database, and back.

The room of their rules and the room of their tables do not know each other.
"""

from __future__ import annotations

from sereno.core.security.pairings import Pairing, Question, State
from sereno.core.store.pairings import PairingRow, QuestionRow

__all__ = ["pairing_of", "pairing_row", "question_of", "question_row"]


def pairing_row(pairing: Pairing) -> PairingRow:
    return PairingRow(
        pairing.server_id,
        pairing.id,
        pairing.kind,
        pairing.state.value,
        pairing.made_ms,
        pairing.until_ms,
        pairing.name,
        pairing.rights,
        pairing.confirm,
        pairing.client,
        pairing.ended,
        pairing.ended_ms,
    )


def pairing_of(row: PairingRow) -> Pairing:
    return Pairing(
        row.id,
        row.server_id,
        row.kind,
        State(row.state),
        row.made_ms,
        row.until_ms,
        row.name,
        row.rights,
        row.confirm,
        row.client,
        row.ended,
        row.ended_ms,
    )


def question_row(question: Question) -> QuestionRow:
    return QuestionRow(
        question.id,
        question.server_id,
        question.client,
        question.client_type,
        question.app_version,
        " ".join(question.words),
        question.asked_ms,
        question.until_ms,
    )


def question_of(row: QuestionRow) -> Question:
    return Question(
        row.id,
        row.pairing,
        row.client,
        row.client_type,
        row.app_version,
        tuple(row.words.split()),
        row.asked_ms,
        row.until_ms,
    )
