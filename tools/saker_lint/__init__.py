"""The rules of STYLE.md that a program can check: run by tools/lint, listed in docs/testing.md."""
