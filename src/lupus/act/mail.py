"""E-mail through a mail server: HTML and text, with the chart inside."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from html import escape
from typing import TYPE_CHECKING, Any, Final

from lupus.act.story import Story
from lupus.act.text import shorten, web_address
from lupus.act.webhook import item_lines
from lupus.model import Connection, DeliveryError

if TYPE_CHECKING:
    from lupus.act.sinks import Delivery

_COLOURS: Final = {"low": "#b7791f", "medium": "#c05621", "high": "#c53030", "critical": "#9b2c2c"}
_GREEN: Final = "#2f855a"
_ADDRESS: Final = re.compile(r"[^\s@<>,;:\"()\\]+@[^\s@<>,;:\"()\\]+")


@dataclass(frozen=True, slots=True)
class MailSink:
    """Mails each notice to `addresses`; those about one incident are one conversation.

    The fields of Airflow's SMTP connection are understood: host, port, login, password, and in its extra field
    ``from_email``, ``disable_ssl`` (then STARTTLS is asked for), ``disable_tls`` and ``timeout``. A message's
    ``Message-ID`` is made from the notice, so a retry after a time-out is known to be the same message.
    """

    connection: Connection = field(repr=False)
    addresses: tuple[str, ...]

    def deliver(self, delivery: Delivery) -> str:
        """Sends the message and returns its ``Message-ID``."""
        message = self.compose(delivery)
        try:
            with self._server() as server:
                refused = server.send_message(message)
        except smtplib.SMTPAuthenticationError as error:
            said = f"login refused ({error.smtp_code})"
            raise self._error(said, "check login and password", permanent=True) from None
        except smtplib.SMTPRecipientsRefused as error:
            permanent = all(code >= 500 for code, _ in error.recipients.values())
            raise DeliveryError(
                f"no address was taken: {', '.join(error.recipients)}; check the addresses in the project file",
                permanent=permanent,
            ) from None
        except smtplib.SMTPResponseException as error:
            answer = error.smtp_error
            said = shorten(answer.decode(errors="replace") if isinstance(answer, bytes) else answer, 200)
            raise self._error(f"{error.smtp_code} {said}", "see its log", permanent=error.smtp_code >= 500) from None
        except (OSError, smtplib.SMTPException) as error:
            raise self._error(f"not reached: {error or type(error).__name__}", "check host, port and network") from None
        del refused  # some of several addresses: the message went out, and those servers send a report
        return str(message["Message-ID"])

    def compose(self, delivery: Delivery) -> EmailMessage:
        """The whole message; raises `DeliveryError` for addresses that are none."""
        notice, story = delivery.notice, delivery.story
        sender = str(self.connection.extra.get("from_email") or "")
        if not _is_address(sender):
            raise DeliveryError(
                f"connection {self.connection.name!r} has no sender; put from_email into its extra field",
                permanent=True,
                for_all=True,
            )
        wrong = [one for one in self.addresses if not _is_address(one)]
        if wrong or not self.addresses:
            raise DeliveryError(
                f"{', '.join(map(repr, wrong)) or 'nothing'} is no e-mail address; correct it in the project file",
                permanent=True,
                for_all=True,
            )
        message = EmailMessage(policy=SMTP)
        host = parseaddr(sender)[1].partition("@")[2]
        message["Message-ID"] = f"<lupus.{notice.id}@{host}>"
        message["From"], message["To"] = sender, ", ".join(self.addresses)
        message["Subject"] = _subject(delivery)
        if notice.incident:  # an address that no message has: mail programs put all that refer to it together
            message["In-Reply-To"] = message["References"] = f"<lupus.{notice.incident}@{host}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(plain_text(story) if story else str(notice.message["text"]))
        if story:
            png = delivery.chart()
            message.add_alternative(html(story, chart=png is not None), subtype="html")
            if png is not None:
                body: Any = message.get_payload()[-1]  # type: ignore[index]
                body.add_related(png, "image", "png", cid="<chart>", filename="chart.png")
        return message

    @contextmanager
    def _server(self) -> Iterator[smtplib.SMTP]:
        connection, extra = self.connection, self.connection.extra
        timeout = float(extra.get("timeout") or 30)
        context = ssl.create_default_context()
        server: smtplib.SMTP
        if _is_true(extra.get("disable_ssl")):
            server = smtplib.SMTP(connection.host, connection.port or 25, timeout=timeout)
        else:
            server = smtplib.SMTP_SSL(connection.host, connection.port or 465, timeout=timeout, context=context)
        with server:
            if _is_true(extra.get("disable_ssl")) and not _is_true(extra.get("disable_tls")):
                server.starttls(context=context)
            if connection.login:
                server.login(connection.login, connection.secret)
            yield server

    def _error(self, said: str, hint: str, *, permanent: bool = False) -> DeliveryError:
        return DeliveryError(
            f"mail server of connection {self.connection.name!r}: {said}; {hint}", permanent=permanent, for_all=True
        )


def plain_text(story: Story) -> str:
    """The story as plain text."""
    head = [story.text, "", " · ".join([story.severity.capitalize(), *story.facts])]
    lines = item_lines(story)
    links = [f"{name}: {url}" for name, url in (("Lupus", story.incident_url), ("Airflow", story.run_url)) if url]
    because = [story.because] if story.because else []
    return "\n".join([*head, *because, "", *lines, "", *links]) + "\n"


def html(story: Story, *, chart: bool) -> str:
    """The story as HTML that every mail program shows: tables of text, inline styles, no scripts, nothing remote."""
    colour = _GREEN if story.clear else _COLOURS.get(story.severity, _COLOURS["medium"])
    rows = []
    for item in story.items:
        small = escape(" · ".join(item.small))
        value = f": {escape(item.value)}" if item.value else ""
        expected = f", expected {escape(item.expected)}" if item.expected else ""
        rows.append(
            f'<p style="margin:0 0 10px"><b>{_link(item.url, item.name)}</b>{value}{expected}'
            f'<br><span style="color:#616061;font-size:13px">{small}</span></p>'
        )
    checks = "".join(f"<li>{escape(line)}</li>" for line in story.checks)
    addresses = ((story.incident_url, "Open in Lupus"), (story.run_url, "Airflow run"))
    links = " · ".join(_link(url, label) for url, label in addresses if url)
    parts = [
        f'<h2 style="margin:0 0 8px;font-size:18px;color:{colour}">{escape(story.text)}</h2>',
        f'<p style="margin:0 0 12px">{escape(" · ".join([story.severity.capitalize(), *story.facts]))}</p>',
        f"<p>{escape(story.because)}</p>" if story.because else "",
        *rows,
        f"<p>{escape(story.rest)}</p>" if story.rest else "",
        f"<p><b>Data validation failed</b></p><ul>{checks}</ul>" if checks else "",
        '<p><img src="cid:chart" alt="Chart of the worst series" width="360" style="max-width:100%"></p>'
        if chart
        else "",
        f"<p>{links}</p>" if links else "",
        f'<p style="color:#616061;font-size:13px">Incident {escape(story.incident)} · Owner {escape(story.owner)}</p>',
    ]
    style = f"font-family:sans-serif;font-size:15px;max-width:640px;border-left:4px solid {colour};padding-left:12px"
    return f'<div style="{style}">{"".join(parts)}</div>'


def _subject(delivery: Delivery) -> str:
    mark = ""
    if delivery.story:
        mark = "[resolved] " if delivery.story.clear else f"[{delivery.story.severity}] "
    return mark + shorten(str(delivery.notice.message["text"]), 150)


def _link(url: str, label: str) -> str:
    address = web_address(url)
    return f'<a href="{escape(address)}">{escape(label)}</a>' if address else escape(label)


def _is_address(text: str) -> bool:
    return bool(_ADDRESS.fullmatch(parseaddr(text)[1])) and "\n" not in text and "\r" not in text


def _is_true(value: Any) -> bool:
    return str(value).strip().lower() in ("true", "1", "yes", "on")
