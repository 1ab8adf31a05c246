#include "names.h"

#include <algorithm>
#include <array>

namespace saker::codegen {
namespace {

// Sorted: C++23 [lex.key] and [lex.digraph].
// clang-format off
constexpr auto kKeywords = std::to_array<std::string_view>({
    "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break",
    "case", "catch", "char", "char16_t", "char32_t", "char8_t", "class", "co_await", "co_return",
    "co_yield", "compl", "concept", "const", "const_cast", "consteval", "constexpr", "constinit",
    "continue", "decltype", "default", "delete", "do", "double", "dynamic_cast", "else", "enum",
    "explicit", "export", "extern", "false", "float", "for", "friend", "goto", "if", "inline",
    "int", "long", "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr",
    "operator", "or", "or_eq", "private", "protected", "public", "register", "reinterpret_cast",
    "requires", "return", "short", "signed", "sizeof", "static", "static_assert", "static_cast",
    "struct", "switch", "template", "this", "thread_local", "throw", "true", "try", "typedef",
    "typeid", "typename", "union", "unsigned", "using", "virtual", "void", "volatile", "wchar_t",
    "while", "xor", "xor_eq"});
// Sorted: what libc and the compiler define as macros.
constexpr auto kMacros = std::to_array<std::string_view>({
    "assert", "errno", "linux", "major", "makedev", "minor", "offsetof", "setjmp", "stderr",
    "stdin", "stdout", "unix", "va_arg"});
// clang-format on
static_assert(std::ranges::is_sorted(kKeywords) && std::ranges::is_sorted(kMacros));

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool begins_word(std::string_view name, size_t at) {
  if (at == 0 || !is_upper(name[at])) return false;
  const char before = name[at - 1];
  if (is_lower(before) || is_digit(before)) return true;
  return is_upper(before) && at + 1 < name.size() && is_lower(name[at + 1]);
}

}  // namespace

std::string snake_case(std::string_view name) {
  std::string result;
  for (size_t at = 0; at < name.size(); ++at) {
    const char c = name[at];
    if (begins_word(name, at)) result += '_';
    result += is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return result;
}

bool is_keyword(std::string_view name) {
  return std::ranges::binary_search(kKeywords, name);
}

bool is_reserved(std::string_view name) {
  return is_keyword(name) || std::ranges::binary_search(kMacros, name);
}

std::string Scope::take(std::string name) {
  while (is_reserved(name) || taken_.contains(name)) name += '_';
  taken_.insert(name);
  return name;
}

}  // namespace saker::codegen
