"""The end-to-end channel of our own clients: Noise `XKpsk3_25519_AESGCM_SHA256`.

The client knows the daemon's key from the offer, shows its own only encrypted, and both must hold
the offer's secret. Forward secrecy, strict order, an end that is said: what the official apps'
channel cannot have. Source: C.3.1 of the systems reference; the Noise specification, revision 34.
"""
