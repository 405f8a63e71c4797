"""What shows that a fault bit: measured by the lab itself, never by the word of the subject or of the fault.

A witness looks before the fault begins, all the while it is on, and after it is healed. It stands on other ground than
the act that it watches: a proxy that claims to be down is asked by connecting to it, a killed process by its pid.

    witness = RefusedConnects(port)
    await witness.before()
    ...                                   # the fault is on; `during` runs as a task beside it
    witness.seen()                        # Seen("own connects refused:", measured=12, needed=3, ...)
"""
