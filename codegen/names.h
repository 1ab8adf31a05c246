// The rules by which names of a .proto file become names of C++.
// Knows strings only, no descriptors.
//
//   method Echo           ->  echo             snake_case: the member of the handler class
//                                              and of the stub
//   method GetHTTPStatus  ->  get_http_status  a run of capitals is one word
//   method delete         ->  delete_          keywords of C++ and macros of libc get an underscore
//   methods Get, get      ->  get, get_        so does the later of two that come out the same
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace saker::codegen {

// "GetHTTPStatus" -> "get_http_status". An underscore goes before a capital that follows a small
// letter or a digit, and before the last capital of a run that a small letter follows.
std::string snake_case(std::string_view name);

// A C++23 keyword or alternative token.
bool is_keyword(std::string_view name);
// A keyword, or a macro that libc's headers define without asking.
bool is_reserved(std::string_view name);

// The names of one C++ scope. Hands each out once, in the order asked for,
// hence the same in every run.
class Scope {
 public:
  // Takes `name` itself or, where that is reserved or taken, `name`
  // with as many underscores behind it as it needs.
  std::string take(std::string name);
  // Makes `name` unavailable.
  void reserve(std::string name) { taken_.insert(std::move(name)); }

 private:
  std::set<std::string, std::less<>> taken_;
};

}  // namespace saker::codegen
