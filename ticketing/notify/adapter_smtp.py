"""The way out by e-mail: one letter to one person over SMTP."""

import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from urllib.parse import SplitResult, unquote, urlsplit

from ticketing.notify.model import Attempt, Mail, Trouble

TIMEOUT_S = 15
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_PERMANENT = range(500, 600)


def send(url: str, sender: str, mail: Mail) -> Attempt:
    """`url`: `smtp://user:password@host:587` (STARTTLS where it is offered) or `smtps://...:465`.

    A password never leaves this machine unencrypted.
    """
    try:
        letter = _letter(sender, mail)
    except ValueError as error:  # a line break in an address: somebody tried
        return Attempt.failed(Trouble.UNWRITABLE, error, final=True)
    try:
        with _connect(url) as server:
            server.send_message(letter)
    except smtplib.SMTPRecipientsRefused as refused:
        code, said = next(iter(refused.recipients.values()))
        return Attempt.failed(Trouble.SMTP, f"{code} {said.decode(errors='replace')}", final=code in _PERMANENT)
    except (OSError, smtplib.SMTPException) as error:
        return Attempt.failed(Trouble.UNREACHABLE, f"{type(error).__name__}: {error}")
    return Attempt()


def _letter(sender: str, mail: Mail) -> EmailMessage:
    letter = EmailMessage(policy=POLICY)
    letter.set_content(mail.body)  # first: it clears every Content-* header
    letter["From"], letter["To"], letter["Subject"] = sender, mail.to, mail.subject
    letter["Message-ID"] = mail.message_id
    letter["Content-Language"] = mail.language
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    return letter


def _connect(url: str) -> smtplib.SMTP:
    parts = urlsplit(url)
    host, context = parts.hostname or "localhost", ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT_S, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 587, timeout=TIMEOUT_S)
    try:
        server.ehlo()
        encrypted = parts.scheme == "smtps" or _start_tls(server, context)
        if parts.username:
            _log_in(server, parts, safe=encrypted or host in _LOOPBACK)
    except BaseException:
        server.close()
        raise
    return server


def _start_tls(server: smtplib.SMTP, context: ssl.SSLContext) -> bool:
    if not server.has_extn("starttls"):
        return False
    server.starttls(context=context)
    server.ehlo()
    return True


def _log_in(server: smtplib.SMTP, parts: SplitResult, *, safe: bool) -> None:
    if not safe:
        raise smtplib.SMTPException("the server offers no encryption, the password stays here")
    server.login(unquote(parts.username or ""), unquote(parts.password or ""))
