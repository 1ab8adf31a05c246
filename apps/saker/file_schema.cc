#include "file_schema.h"

#include <google/protobuf/compiler/importer.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/descriptor_database.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "read_file.h"
#include "schema_errors.h"

namespace saker::app {
namespace {

std::string name_of(const std::vector<std::string>& files) {
  std::string name;
  for (const std::string& file : files) name += (name.empty() ? "" : ", ") + file;
  return name;
}

class FileSchema : public Schema {
 public:
  explicit FileSchema(std::string name) : name_(std::move(name)) {}
  std::string source_name() const override { return name_; }
  Result<std::vector<std::string>> service_names() override {
    return std::vector<std::string>(services_.begin(), services_.end());
  }
  Result<void> state() const override {
    if (!errors_.text().empty()) return fail(errors_.text());
    return {};
  }

 protected:
  void list(const pb::FileDescriptor& file) {
    for (int at = 0; at < file.service_count(); ++at) {
      services_.insert(file.service(at)->full_name());
    }
  }

  SchemaErrors errors_;

 private:
  const std::string name_;
  std::set<std::string> services_;
};

// ---- .proto sources

// The import paths, and behind them the protos that this program has itself.
class ProtoSources final : public pb::compiler::SourceTree {
 public:
  pb::compiler::DiskSourceTree disk;

  pb::io::ZeroCopyInputStream* Open(const std::string& name) override {
    if (auto* found = disk.Open(name)) return found;
    const pb::FileDescriptor* own = pb::DescriptorPool::generated_pool()->FindFileByName(name);
    if (own == nullptr) return nullptr;
    const std::string& source = *sources_.insert(own->DebugString()).first;
    return new pb::io::ArrayInputStream(source.data(), static_cast<int>(source.size()));
  }
  std::string GetLastErrorMessage() override { return disk.GetLastErrorMessage(); }

 private:
  std::set<std::string> sources_;
};

class ProtoSchema final : public FileSchema {
 public:
  using FileSchema::FileSchema;

  Result<void> load(const std::vector<std::string>& files,
                    const std::vector<std::string>& import_paths) {
    std::error_code unused;
    for (const std::string& path : import_paths) {
      if (!std::filesystem::is_directory(path, unused))
        return fail("--import-path " + path + ": not a directory");
      sources_.disk.MapPath("", path);
    }
    if (import_paths.empty()) sources_.disk.MapPath("", ".");
    for (const std::string& file : files) {
      const auto name = import_name(file);
      if (!name) return std::unexpected(name.error());
      const pb::FileDescriptor* imported = importer_.Import(*name);
      if (imported == nullptr) return fail("--proto " + file + "\n" + errors_.text());
      list(*imported);
    }
    return {};
  }
  const pb::DescriptorPool& pool() const override { return *importer_.pool(); }

 private:
  // The name by which others import `file`.
  Result<std::string> import_name(const std::string& file) {
    std::error_code unused;
    if (!std::filesystem::exists(file, unused)) return file;
    std::string name;
    std::string shadowing;
    switch (sources_.disk.DiskFileToVirtualFile(file, &name, &shadowing)) {
      case pb::compiler::DiskSourceTree::SUCCESS:
        return name;
      case pb::compiler::DiskSourceTree::SHADOWED:
        return fail("--proto " + file + ": " + shadowing + " is found first under the same name");
      case pb::compiler::DiskSourceTree::CANNOT_OPEN:
        return fail("--proto " + file + ": " + sources_.disk.GetLastErrorMessage());
      case pb::compiler::DiskSourceTree::NO_MAPPING:
        break;
    }
    const std::filesystem::path path(file);
    sources_.disk.MapPath("", path.parent_path().string());
    return path.filename().string();
  }

  ProtoSources sources_;
  pb::compiler::Importer importer_{&sources_, &errors_};
};

// ---- descriptor sets

class ProtosetSchema final : public FileSchema {
 public:
  using FileSchema::FileSchema;

  Result<void> load(const std::string& path) {
    auto bytes = read_file(path);
    if (!bytes) return fail("--protoset " + bytes.error().message);
    pb::FileDescriptorSet set;
    if (!set.ParseFromString(*bytes)) {
      return fail("--protoset " + path + ": not a descriptor set (protoc --descriptor_set_out)");
    }
    for (const auto& file : set.file()) {
      if (names_.insert(file.name()).second) database_.Add(file);
    }
    return {};
  }
  // All at once, so that what is missing is said now.
  Result<void> build() {
    for (const std::string& name : names_) {
      const pb::FileDescriptor* file = pool_.FindFileByName(name);
      if (file == nullptr) return fail(errors_.text() + "\nwas it made with --include_imports?");
      list(*file);
    }
    return {};
  }
  const pb::DescriptorPool& pool() const override { return pool_; }

 private:
  std::set<std::string> names_;
  pb::SimpleDescriptorDatabase database_;
  pb::DescriptorPool pool_{&database_, &errors_};
};

}  // namespace

Result<std::unique_ptr<Schema>> load_protos(const std::vector<std::string>& files,
                                            const std::vector<std::string>& import_paths) {
  auto schema = std::make_unique<ProtoSchema>(name_of(files));
  if (auto loaded = schema->load(files, import_paths); !loaded) {
    return std::unexpected(loaded.error());
  }
  return schema;
}

Result<std::unique_ptr<Schema>> load_protosets(const std::vector<std::string>& files) {
  auto schema = std::make_unique<ProtosetSchema>(name_of(files));
  for (const std::string& file : files) {
    if (auto loaded = schema->load(file); !loaded) return std::unexpected(loaded.error());
  }
  if (auto built = schema->build(); !built) return std::unexpected(built.error());
  return schema;
}

}  // namespace saker::app
