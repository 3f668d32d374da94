"""Adds up the results of a test run: counts.py FILE...

A FILE is what `ctest --output-junit` wrote (junit-PRESET.xml; beside it ctest-PRESET.log, what ctest itself said) or the
output of one test program (NAME.log). A test counts as one, unless its output has a line "cases: N passed, N failed, N
skipped", which then counts instead. A skip needs a reason, a line "SKIP: why" in the output for each; without one it is a
failure.

Prints the skips, then of each test that failed its name, how it ended, the cases of it that failed and how their errors
begin, then, last, "N passed, N failed, N skipped": who sees only the end of a run sees what is wrong. Exits 1 when anything
failed.
"""

import re
import sys
import xml.etree.ElementTree as xml
from collections import Counter
from pathlib import Path

CASES = re.compile(r"^cases: (\d+) passed, (\d+) failed, (\d+) skipped\s*$", re.M)
SKIP = re.compile(r"^.*?\bSKIP: *(\S.*)$", re.M)
# What ctest says of a test that did not pass; the words between the stars and the time are the reason: Failed, Timeout, ...
ENDED = re.compile(r"^ *\d+/\d+ Test +#\d+: (\S+) \.*\*\*\*(.*?) +[\d.]+ sec", re.M)

# How a case that failed begins: run.mjs, the scripts, Check, and what ends a program of ours.
FAILED = re.compile(r"NOT OK |not ok |FAIL: |\S+\.[ch]:\d+:[EF]:|=+\d+=+ *ERROR: |\S+: runtime error: |\S+: Assertion .* failed")
PASSED = re.compile(r"(ok|-|#|cases:) ")
NOISE = re.compile(r"\s+at .*node:internal/")
CASES_SHOWN = 4
LINES_SHOWN = 14  # of a case; of a test that names none, its last ones
WIDTH = 400


def tests_of(path):
    """Yields (name, outcome, how it ended, output) for each test in the file."""
    if path.suffix != ".xml":
        yield path.stem, "run", "", path.read_text(errors="replace")
        return
    preset = path.stem.removeprefix("junit-")
    log = path.with_name(f"ctest-{preset}.log")
    ended = dict(ENDED.findall(log.read_text(errors="replace"))) if log.exists() else {}
    for case in xml.parse(path).getroot().iter("testcase"):
        name, outcome = case.get("name"), case.get("status")
        if case.find("skipped") is not None:
            outcome = "skipped"
        elif case.find("failure") is not None:
            outcome = "fail"
        yield f"{preset}/{name}", outcome, ended.get(name, ""), case.findtext("system-out") or ""


def failed_cases(lines):
    """The lines of each case that failed: from the one that says so to the next case."""
    cases = []
    inside = False
    for line in lines:
        if FAILED.match(line):
            cases.append([line])
            inside = True
        elif PASSED.match(line):
            inside = False
        elif inside and line.strip() and not NOISE.match(line):
            cases[-1].append(line)
    return cases


def excerpt(output):
    """What there is to know of a failure, in a few lines."""
    lines = [line[:WIDTH].rstrip() for line in output.splitlines()]
    cases = failed_cases(lines)
    if not cases:
        return [line for line in lines if line.strip()][-LINES_SHOWN:]
    shown = [line for case in cases[:CASES_SHOWN] for line in case[:LINES_SHOWN]]
    if len(cases) > CASES_SHOWN:
        shown.append(f"... and {len(cases) - CASES_SHOWN} more")
    return shown


class Tally:
    def __init__(self):
        self.counts = [0, 0, 0]
        self.skips = Counter()
        self.failures = []

    def add(self, name, outcome, ended, output):
        reasons = SKIP.findall(output)
        lines = CASES.findall(output)
        if lines:
            passed, failed, skipped = (sum(int(line[i]) for line in lines) for i in range(3))
        else:
            passed, failed, skipped = (int(outcome == o) for o in ("run", "fail", "skipped"))
        if outcome not in ("run", "skipped") and failed == 0:
            failed = 1
        self.skips.update((name, reason) for reason in reasons[:skipped])
        unexplained = max(skipped - len(reasons), 0)
        if unexplained:
            self.failures.append((f"{name}: {unexplained} skipped without a reason", excerpt(output)))
        elif failed:
            self.failures.append((f"{name}: {ended}" if ended not in ("", "Failed") else name, excerpt(output)))
        counts = passed, failed + unexplained, skipped - unexplained
        self.counts = [a + b for a, b in zip(self.counts, counts)]

    def tell(self):
        for (name, reason), times in self.skips.items():
            print(f"skipped: {name}: {reason}" + (f" ({times} cases)" if times > 1 else ""))
        for title, lines in self.failures:
            print(f"failed: {title}")
            for line in lines:
                print(f"    {line}")
        print("{} passed, {} failed, {} skipped".format(*self.counts))


def main():
    tally = Tally()
    for path in sys.argv[1:]:
        for test in tests_of(Path(path)):
            tally.add(*test)
    if sum(tally.counts) == 0:
        tally.counts[1] = 1
        tally.failures.append(("no test ran", []))
    tally.tell()
    return tally.counts[1] > 0


sys.exit(main())
