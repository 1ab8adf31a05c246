"""Every code block of docs/library.md is a part of an example that is compiled and run, and every
test that docs/semantics.md names exists.

A block is preceded by a comment `<!-- examples/FILE -->`; its lines stand in that file one after the
other, whatever their indentation. Blocks of shell commands have no file.
"""

import re
import unittest

from installed import ROOT

DOCUMENT = ROOT / "docs/library.md"
BLOCK = re.compile(
    r"(?:<!-- (?P<file>\S+) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S
)


def lines_of(text: str) -> list[str]:
    return [line.strip() for line in text.strip("\n").split("\n")]


def contains(lines: list[str], part: list[str]) -> bool:
    ends = range(len(lines) - len(part) + 1)
    return any(lines[at : at + len(part)] == part for at in ends)


class Document(unittest.TestCase):
    def test_every_block_is_in_an_example(self) -> None:
        checked = 0
        for block in BLOCK.finditer(DOCUMENT.read_text()):
            if block["language"] in ("sh", "text"):
                continue
            with self.subTest(block=block["text"][:60]):
                self.assertIsNotNone(block["file"], "a block without a file")
                source = (ROOT / block["file"]).read_text()
                self.assertTrue(
                    contains(lines_of(source), lines_of(block["text"])),
                    f"not in {block['file']} as it stands",
                )
                checked += 1
        self.assertGreater(checked, 10)

    def test_every_example_is_mentioned(self) -> None:
        text = DOCUMENT.read_text()
        for path in (ROOT / "examples").rglob("*.*"):
            self.assertIn(path.name, text)


class Semantics(unittest.TestCase):
    def names(self) -> list[str]:
        rows = [
            line.strip("|").split("|")
            for line in (ROOT / "docs/semantics.md").read_text().splitlines()
            if line.startswith("| ") and not line.startswith("| rule") and "---" not in line
        ]
        cells = [row[-1] for row in rows]
        return [name.strip() for cell in cells for name in re.split("[;,]", cell)]

    def test_every_test_that_is_named_exists(self) -> None:
        places = [*(ROOT / "src").rglob("*_test.cc"), *(ROOT / "codegen").glob("*_test.cc")]
        places += (ROOT / "tests/integration").glob("*_test.py")
        files = {str(path.relative_to(ROOT)): path.read_text() for path in places}
        everything = "\n".join(files.values())
        checked = 0
        for name in self.names():
            if name in ("test", "the same"):
                continue
            with self.subTest(name=name):
                file, _, test = name.rpartition(":")
                if not file and name[0].islower():
                    file, test = name, ""
                stem = f"{file}_" if "/" in file else f"src/rpc/{file}_"
                if file.startswith("src/services/"):
                    stem = file
                text = everything if not file else "".join(
                    content for path, content in files.items() if path.startswith(stem)
                )  # fmt: skip
                self.assertRegex(text, rf"\b{test.replace('.', ', ')}\b")
                checked += 1
        self.assertGreater(checked, 80)


if __name__ == "__main__":
    unittest.main()
