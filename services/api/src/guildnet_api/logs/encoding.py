"""JSON of log lines, as the API sends them (`LogLine` of the OpenAPI document). Pure."""

from __future__ import annotations

from typing import Final

import orjson

from guildnet_api.http import sse
from guildnet_api.logs.model import Kind, Line, Record, Run, rfc3339
from guildnet_api.logs.source.levels import infer_level

LogLine = dict[str, str]

_FIELD: Final = b"data: "
_END: Final = b"\n\n"


def log_line(run: Run, time_ns: int, data: bytes) -> LogLine:
    """A LogLine; bytes that are not UTF-8 become U+FFFD."""
    text = data.decode("utf-8", "replace")
    return {
        "t": rfc3339(time_ns),
        "lvl": infer_level(text),
        "msg": text,
        "container": run.container,
        "pod": run.pod,
    }


def encoded(run: Run, record: Record) -> Line:
    """A record as the line its readers share; the data of a gap is JSON already."""
    identifier = run.prefix + record.id
    if record.kind is Kind.GAP:
        return _line(record.id, sse.frame(record.data, event="gap", identifier=identifier), record.data, "")
    line = log_line(run, record.time_ns, record.data)
    data = sse.compact(line)
    return _line(record.id, sse.frame(data, identifier=identifier), data, line["lvl"])


def text_of(line: Line) -> str:
    """The text of an encoded line, "" for a gap."""
    return str(orjson.loads(line.data.removeprefix(_FIELD))["msg"]) if line.level else ""


def _line(id_: str, frame: bytes, data: bytes, level: str) -> Line:
    return Line(id_, frame, level, len(frame) - len(data) - len(_FIELD) - len(_END))
