#!/usr/bin/env python3
"""Makes the reference: runs doxygen, and gives members their names back.

    reference.py DOXYGEN FOLDER

FOLDER has the Doxyfile and gets html and xml. doxygen reads C with a scanner for C++, to which a member called
`namespace` is none; so filter.py calls it otherwise, and here that becomes `namespace` again.
"""

import pathlib
import subprocess
import sys

STAND_IN = "namespace__member"


def main():
    doxygen, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    try:
        result = subprocess.run([doxygen, folder / "Doxyfile"])
    except FileNotFoundError:
        sys.exit("this needs Debian's package doxygen")
    for pattern in ("html/**/*.html", "html/**/*.js", "xml/*.xml"):
        for file in folder.glob(pattern):
            text = file.read_text(encoding="utf-8")
            if STAND_IN in text:
                file.write_text(text.replace(STAND_IN, "namespace"), encoding="utf-8")
    sys.exit(result.returncode)


main()
