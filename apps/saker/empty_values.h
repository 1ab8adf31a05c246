// An empty value on the command line, as a shell's unset variable leaves it: `--key=$KEY` arrives as
// "--key=". CLI11 would take the argument behind it for the value, and many a flag would take an
// empty value for none given: `--ca=` for no TLS, `--last-hash=` for nothing to compare with. Here
// it stays the flag's value, and is refused by every flag whose value is not free text.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace saker::app {

// "--flag=" as two arguments, "--flag" and "", where the flag of that command takes a value. In the
// order of the command line, which is without the program's name.
std::vector<std::string> separate_empty_values(const CLI::App& app,
                                               const std::vector<std::string>& arguments);

// For all flags of all commands; when all are declared.
void refuse_empty_values(CLI::App& app);

}  // namespace saker::app
