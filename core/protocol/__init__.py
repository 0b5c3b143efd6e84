"""The wire contract: typed messages and codecs of Paseo's session protocol and our additions.

No behaviour, no I/O, and nothing of ours is imported here. Field names follow the wire in camel
case; an optional key that is UNSET is left out, because official clients drop a whole frame over
one `null` too many (wire reference section 0).

Modules that define structs do not postpone their annotations: msgspec would compile each as text
for the first decoder, 7 ms of every start and of every command.
"""
