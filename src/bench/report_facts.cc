#include "saker/bench/report_facts.h"

#include <algorithm>
#include <string_view>

namespace saker::bench {
namespace {

constexpr size_t kColumns = 100;

std::string value_of(const Facts& facts, std::string_view name) {
  const auto found = std::ranges::find(facts, name, &Facts::value_type::first);
  return found == facts.end() ? std::string() : found->second;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    if (part.empty()) continue;
    text.append(text.empty() ? "" : ", ").append(part);
  }
  return text;
}

std::string with_name(std::string_view name, const std::string& value) {
  return value.empty() ? value : std::string(name).append(" ").append(value);
}

std::string program(const Facts& facts) {
  std::string saker = with_name("saker", value_of(facts, "saker"));
  const std::string build = joined({value_of(facts, "commit"), value_of(facts, "build")});
  if (!saker.empty() && !build.empty()) saker += " (" + build + ")";
  return joined({saker, value_of(facts, "compiler"),
                 with_name("protobuf", value_of(facts, "protobuf")), value_of(facts, "openssl")});
}

std::string machine(const Facts& facts) {
  std::string cpus = with_name("CPUs", value_of(facts, "affinity"));
  if (const std::string all = value_of(facts, "cpus"); !all.empty()) {
    cpus = cpus.empty() ? all + " CPUs" : cpus + " of " + all;
  }
  return joined({value_of(facts, "kernel"), value_of(facts, "cpu"), cpus});
}

// Broken at spaces; a word that is longer than a line stays whole.
void append_wrapped(std::string& out, std::string_view start, std::string_view text) {
  if (text.empty()) return;
  out.append("  ").append(start);
  size_t column = 2 + start.size();
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (column + 1 + end > kColumns) {
      out.append("\n   ");
      column = 3;
    }
    out.append(" ").append(text.substr(0, end));
    column += 1 + end;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  out.append("\n");
}

}  // namespace

void append_facts(std::string& out, const Facts& facts) {
  std::string lines;
  append_wrapped(lines, "with", program(facts));
  append_wrapped(lines, "on", machine(facts));
  append_wrapped(lines, "flags", value_of(facts, "flags"));
  if (!lines.empty()) out.append("\n").append(lines);
}

void append_comments(std::string& out, const Facts& facts) {
  for (const auto& [name, value] : facts) {
    std::string line = "#[";
    line.append(name).append(": ").append(value).append("]");
    std::ranges::replace_if(line, [](char c) { return c == '\n' || c == '\r'; }, ' ');
    out.append(line).append("\n");
  }
}

}  // namespace saker::bench
