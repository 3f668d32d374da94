"""Adds up the results of a test run: counts.py FILE...

A FILE is what `ctest --output-junit` wrote (.xml) or the output of one test program (any other name). A test counts as
one, unless its output has a line "cases: N passed, N failed, N skipped", which then counts instead. A skip needs a
reason, a line "SKIP: why" in the output for each; without one it is a failure.

Prints skips and failures, then, last, "N passed, N failed, N skipped". Exits 1 when anything failed.
"""

import re
import sys
import xml.etree.ElementTree as xml

CASES = re.compile(r"^cases: (\d+) passed, (\d+) failed, (\d+) skipped\s*$", re.M)
SKIP = re.compile(r"^.*?\bSKIP: *(\S.*)$", re.M)


def tests_of(path):
    """Yields (name, outcome, output) for each test in the file."""
    if not path.endswith(".xml"):
        with open(path, errors="replace") as f:
            yield path, "run", f.read()
        return
    suite = xml.parse(path).getroot()
    preset = path.rsplit("-", 1)[-1].removesuffix(".xml")
    for case in suite.iter("testcase"):
        outcome = case.get("status")
        if case.find("skipped") is not None:
            outcome = "skipped"
        elif case.find("failure") is not None:
            outcome = "fail"
        yield f"{preset}/{case.get('name')}", outcome, case.findtext("system-out") or ""


def count(name, outcome, output):
    """(passed, failed, skipped) of one test, after printing what is to be said about it."""
    reasons = SKIP.findall(output)
    lines = CASES.findall(output)
    if lines:
        passed, failed, skipped = (sum(int(line[i]) for line in lines) for i in range(3))
    else:
        passed, failed, skipped = (int(outcome == o) for o in ("run", "fail", "skipped"))
    if outcome not in ("run", "skipped") and failed == 0:
        failed = 1
    for reason in reasons[:skipped]:
        print(f"skipped: {name}: {reason}")
    if skipped > len(reasons):
        print(f"failed: {name}: {skipped - len(reasons)} skipped without a reason")
        failed += skipped - len(reasons)
        skipped = len(reasons)
    elif failed:
        print(f"failed: {name}")
    return passed, failed, skipped


def main():
    total = [0, 0, 0]
    for path in sys.argv[1:]:
        for test in tests_of(path):
            total = [a + b for a, b in zip(total, count(*test))]
    if sum(total) == 0:
        print("failed: no test ran")
        total[1] = 1
    print("{} passed, {} failed, {} skipped".format(*total))
    return total[1] > 0


sys.exit(main())
