"""The TLS context of a server: certificate and key from files, TLS 1.2 and newer, HTTP/1.1 by ALPN.

Source: RFC 9325 (recommendations for TLS); RFC 7301 (ALPN).
"""

from __future__ import annotations

import ssl

from waypost.errors import StartupError


def server_context(certificate: str, key: str) -> ssl.SSLContext:
    """certificate: PEM file with the chain, leaf first; key: PEM file, not encrypted. Raises StartupError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])

    def no_password() -> bytes:
        # Otherwise OpenSSL asks at the terminal, and a service hangs at its start.
        raise StartupError(f"the key {key} is encrypted", remedy="Give a key file without a passphrase.")

    try:
        context.load_cert_chain(certificate, key, password=no_password)
    except FileNotFoundError as error:
        missing = error.filename or f"{certificate} or {key}"
        raise StartupError(f"there is no file {missing}", remedy="Check tls_certificate and tls_key.") from error
    except (ssl.SSLError, OSError) as error:
        raise StartupError(
            f"the certificate {certificate} and the key {key} can't be used: {error}",
            remedy="Both must be PEM files and belong together.",
        ) from error
    return context
