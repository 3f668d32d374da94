#!/usr/bin/env python3
"""Makes doxygen's comments of the public headers' plain ones: doxygen's INPUT_FILTER.

    filter.py HEADER

The headers are manuals to be read as they are, so the rules are theirs:

- the comment at the top is the file's, and that of stoa.h the main page;
- a line "/* --- Title --- */" begins a section, which becomes a group;
- a comment above declarations speaks of all of them up to the next blank line or comment, but those that have one of
  their own behind them;
- a comment with a blank line below it speaks of its section;
- what is indented by a tab is code;
- what ends in an underscore, and a section that is behind the macros, is nobody's business.
"""

import re
import sys

TITLE = re.compile(r"/\* --- (.*?) -+ \*/")
TRAILING = re.compile(r"^(.*\S)\s*/\* (.*?) \*/\s*$")
HIDDEN = re.compile(r"\t[^(]*\b\w+_(\[\d+\])?;")


def prose(line):
    """One line of a comment: text, in which nothing but `code` means anything to doxygen."""
    if line.startswith("\t"):
        return "    " + line.expandtabs(8)
    parts = line.split("`")
    parts[::2] = [re.sub(r"([\\@<>&#%\"|~])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)


def text_of(comment):
    """The lines between the ends of a comment, without their stars."""
    lines = "\n".join(comment).removeprefix("/*").removesuffix("*/").rstrip().split("\n")
    lines = [re.sub(r"^ (\* ?)?", "", line) for line in lines]
    result, in_code = [], False
    for line in lines:
        # Markdown wants a blank line around code.
        if line and line.startswith("\t") != in_code:
            in_code = not in_code
            if result and result[-1] != "":
                result.append("")
        result.append(prose(line))
    return result


def emit(lines, head=""):
    print("/** " + head)
    for line in lines:
        print(" * " + line)
    print(" */")


def paragraphs(lines):
    """Chops a header into comments, and runs of other lines; each ends where a blank line or a comment begins."""
    chunk, in_comment = [], False
    for line in lines:
        begins = line.startswith("/*") and not in_comment
        if (begins or not line.strip()) and not in_comment and chunk:
            yield chunk
            chunk = []
        if not line.strip() and not in_comment:
            yield []
            continue
        chunk.append(line)
        in_comment = (begins or in_comment) and "*/" not in line
        if (begins or chunk[0].startswith("/*")) and "*/" in line:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def whole(lines):
    """Chops a run of lines into declarations, directives and what a struct has around its members."""
    declaration, inside = [], False
    for line in lines:
        declaration.append(line)
        bare = TRAILING.sub(r"\1", line)
        inside = (inside or bare.endswith("{")) and not line.startswith("}")
        if not inside and (bare.endswith(";") or line.startswith("#") and not bare.endswith("\\")):
            yield declaration
            declaration = []
    if declaration:
        yield declaration


def declare(lines, above):
    """Prints declarations. What has no comment behind it gets the one above, if there is one."""
    for declaration in whole(lines):
        if above and not TRAILING.match(declaration[-1]) and not re.match(r"#(if|endif|include)", declaration[0]):
            emit(above)
        for line in declaration:
            trailing = TRAILING.match(line)
            if trailing and not line.startswith("#include"):
                line = f"{trailing[1]} /**< {prose(trailing[2])} */"
            if not HIDDEN.match(line):
                line = re.sub(r"\*namespace;", "*namespace__member;", line)  # see reference.py
                print(re.sub(r"^(STOA_HIDDEN_ |STOA_MUST_ )?(extern|static inline) ", "", line))


class Header:
    def __init__(self, name):
        self.name = name
        self.section = None
        self.hidden = False
        self.pending = None

    def begin(self, title):
        self.end()
        self.hidden = title == "Behind the macros"
        if not self.hidden:
            self.section = re.sub(r"\W+", "_", f"{self.name} {title}").strip("_").lower()
            emit([], f"@defgroup {self.section} {title}\n *  @{{")

    def end(self):
        if self.section:
            print("/** @} */")
        self.section = None

    def top(self, lines):
        title, rest = lines[0] or lines[1], lines[2:]
        emit(rest if self.name != "stoa.h" else [], f"@file\n * @brief {title}\n *")
        if self.name == "stoa.h":
            emit(rest, "@mainpage " + title)

    def comment(self, chunk):
        title = TITLE.match(chunk[0])
        if title:
            self.begin(title[1])
        elif "clang-format" not in chunk[0]:
            self.pending = text_of(chunk)

    def code(self, chunk):
        above, self.pending = self.pending, None
        if not self.hidden:
            declare(chunk, above)

    def blank(self):
        if self.pending and self.section and not self.hidden:
            print("/** @} */")
            emit([*self.pending, "@{"], f"@addtogroup {self.section}\n *")
        self.pending = None


def without_bodies(lines):
    """stoa_plain.h's wrappers have their text in stoa.h, where they are declared."""
    skipping = False
    for line in lines:
        if re.match(r"(STOA_MUST_ )?static inline ", line):
            skipping = not line.rstrip().endswith("}")
        elif not skipping:
            yield line
        elif line.startswith("}"):
            skipping = False


def main():
    name = sys.argv[1].rsplit("/", 1)[-1]
    with open(sys.argv[1], encoding="utf-8") as file:
        lines = file.read().splitlines()
    if name == "stoa_plain.h":
        lines = without_bodies(lines)
    header = Header(name)
    chunks = list(paragraphs(lines))
    header.top(text_of(chunks[0]))
    for chunk in chunks[1:]:
        if not chunk:
            header.blank()
        elif chunk[0].startswith("/*"):
            header.comment(chunk)
        else:
            header.code(chunk)
    header.end()


main()
