// Text: a growing piece of C++, written by templates with $name$ in them.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model.h"

namespace saker::codegen {

class Text {
 public:
  using Value = std::pair<std::string_view, std::string_view>;

  // Appends `pattern` with every $name$ replaced by its value.
  void add(std::string_view pattern, std::initializer_list<Value> values = {});
  // `lines` as a comment, each behind `indent`.
  void add_comment(const std::vector<std::string>& lines, std::string_view indent);
  void open_namespace(const File& file);
  void close_namespace(const File& file);

  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

// "A file that was generated": the first lines of both files.
void add_opening(const File& file, Text& text);

// Around code that names deprecated methods itself; nothing unless some method
// of `service` is deprecated.
void add_warnings_off(const Service& service, Text& text);
void add_warnings_on(const Service& service, Text& text);

}  // namespace saker::codegen
