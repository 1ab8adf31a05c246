// SchemaErrors: what protobuf's parser and descriptor pools complain about, gathered as text with
// file and position. Belongs to one thread.
#pragma once

#include <google/protobuf/compiler/importer.h>
#include <google/protobuf/descriptor.h>

#include <string>

namespace saker::app {

class SchemaErrors final : public google::protobuf::DescriptorPool::ErrorCollector,
                           public google::protobuf::compiler::MultiFileErrorCollector {
 public:
  // Lines and columns count from 0; line -1: the file as a whole.
  void AddError(const std::string& file, int line, int column,
                const std::string& message) override {
    add(line < 0 ? file : file + ":" + std::to_string(line + 1) + ":" + std::to_string(column + 1),
        message);
  }
  void AddError(const std::string& file, const std::string& element,
                const google::protobuf::Message*, ErrorLocation,
                const std::string& message) override {
    add(file + ": " + element, message);
  }

  const std::string& text() const { return text_; }

 private:
  // The first ones say what is wrong, the rest follows from them.
  void add(const std::string& where, const std::string& message) {
    constexpr int kMost = 10;
    if (++count_ > kMost) return;
    if (!text_.empty()) text_ += '\n';
    text_ += where + ": " + message;
  }

  std::string text_;
  int count_ = 0;
};

}  // namespace saker::app
