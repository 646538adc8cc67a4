"""`gateway doctor`: what is wrong on this machine, and the command that mends it. Looks, and changes nothing.

A check is two functions: one gathers facts from the machine, thin; one makes findings of them, pure. It runs beside the
live service: no port is opened, and the broker is asked under a client id of its own.
"""
