"""Reports each `TODO` without an owner: `TODO(name): …` is fine."""
import re

from wit_world import exports
from wit_world.imports import report
from wit_world.imports.types import Confidence, Extent_Bytes, FileLocation, Finding, Location_File, Span, Subject_Matched

UNOWNED = re.compile(rb"TODO\b(?!\()[^\r\n]*")


class Scanner(exports.Scanner):
    def open(self, config):
        pass

    def scan(self, file):
        with file:
            path, text, anchors = file.path(), file.read(0, file.size()), file.anchors(0, 10_000)
        matches = (UNOWNED.match(text, anchor.offset) for anchor in anchors)
        report.findings([finding(path, match) for match in matches if match])

    def finish(self):
        pass


def finding(path, match):
    place = Location_File(FileLocation(path, Extent_Bytes(Span(match.start(), match.end() - match.start())), None))
    return Finding(
        rule="python-todo.unowned", severity=None, score=None, confidence=Confidence.HIGH,
        message="This TODO has no owner.", primary=place, related=[], subject=Subject_Matched(),
        redact=[], fix=None, attachments=[], labels=[],
    )
