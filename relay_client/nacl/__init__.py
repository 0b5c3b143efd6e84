"""The end-to-end channel of the official apps, both sides, without sockets and clocks.

Source: section 3 of the wire reference; made replay-proof by design.md section 7. It keeps neither
order nor completeness (a relay may drop, delay and reorder whole frames) and has no forward
secrecy: that is the Noise channel's.
"""
