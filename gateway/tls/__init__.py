"""TLS to the broker.

Tls                  the files, as the configuration names them
context, warnings    what they come to, or TlsError; what is unwise about them
handed               of a file that only a running service has, the sentence
mark                 another one when another text is in a file
secured              TLS over a connected socket, or TlsError
certificate          the broker's, verified
expires, why         of a certificate; of an error, as a sentence
"""

from .connection import certificate, secured
from .files import Tls, TlsError, context, handed, mark, warnings
from .sentences import Certificate, expires, why

__all__ = [
    "Certificate", "Tls", "TlsError", "certificate", "context", "expires", "handed", "mark", "secured", "warnings",
    "why",
]  # fmt: skip
