#!/usr/bin/env python3
"""The reference: doxygen has nothing to warn of, and each public name of the headers is there with its text.

    api.py FOLDER DOXYGEN

FOLDER has the Doxyfile and gets what doxygen makes of it.
"""

import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as xml

FOLDER, DOXYGEN = pathlib.Path(sys.argv[1]), sys.argv[2]
ROOT = pathlib.Path(__file__).parents[2]
INCLUDE, REFERENCE = ROOT / "common/app/include", ROOT / "deploy/doxygen/reference.py"


def make():
    result = subprocess.run([sys.executable, REFERENCE, DOXYGEN, FOLDER], capture_output=True, text=True)
    if result.returncode != 0 or result.stderr:
        sys.exit(f"doxygen:\n{result.stdout}{result.stderr}")


def public_names():
    """Functions, macros and structs of the two manuals that users may name."""
    names = set()
    for header in ("stoa.h", "stoa_test.h"):
        text = re.sub(r"/\*.*?\*/", "", (INCLUDE / header).read_text(encoding="utf-8"), flags=re.S)
        names.update(re.findall(r"\b(stoa_\w+)\(", text))
        names.update(re.findall(r"#define (\w+)", text))
        names.update(re.findall(r"\b(?:struct|enum) (stoa_\w+) \{", text))
    return {name for name in names if not name.endswith("_") and name not in ("STOA_H", "STOA_TEST_H")}


def members():
    """Struct -> the names of its members, of those that are for users."""
    text = re.sub(r"/\*.*?\*/", "", "".join((INCLUDE / h).read_text(encoding="utf-8") for h in ("stoa.h", "stoa_test.h")), flags=re.S)
    structs = re.findall(r"^struct (\w+) \{(.*?)^\};", text, flags=re.S | re.M)
    return {name: [m for m in re.findall(r"(\w+);", body) if not m.endswith("_")] for name, body in structs}


def members_there():
    result = {}
    for file in (FOLDER / "xml").glob("struct*.xml"):
        compound = xml.parse(file).getroot().find("compounddef")
        result[compound.findtext("compoundname")] = [m.findtext("name") for m in compound.iter("memberdef")]
    return result


def words(element):
    return " ".join("".join(element.itertext()).split()) if element is not None else ""


def documented():
    """Name -> its text in the reference."""
    texts = {}
    for file in (FOLDER / "xml").glob("*.xml"):
        for element in xml.parse(file).iter():
            if element.tag == "memberdef":
                name = element.findtext("name")
            elif element.tag == "compounddef":
                name = element.findtext("compoundname")
            else:
                continue
            text = words(element.find("briefdescription")) + words(element.find("detaileddescription"))
            texts[name] = max(texts.get(name, ""), text, key=len)
    return texts


def main():
    make()
    texts = documented()
    bad = [name for name in sorted(public_names()) if not texts.get(name)]
    private = [name for name in texts if re.fullmatch(r"stoa_\w+_", name)]
    if bad:
        sys.exit(f"not in the reference, or without text: {', '.join(bad)}")
    if private:
        sys.exit(f"private, but in the reference: {', '.join(private)}")
    there = members_there()
    for name, wanted in members().items():
        if sorted(there.get(name, [])) != sorted(wanted):
            sys.exit(f"struct {name} has {wanted}, and the reference {there.get(name)}")
    # What doxygen may not swallow: quotes, stars, code.
    samples = {"stoa_on": '"/game-*"', "stoa_emit": "-EINVAL: a reserved name", "stoa_args": "an array, empty", "stoa_host": "The host's functions"}
    for name, sample in samples.items():
        if sample not in texts[name]:
            sys.exit(f"{name} does not say {sample!r}, but {texts[name]!r}")
    print(f"{len(public_names())} names have their text")


main()
