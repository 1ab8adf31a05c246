// JsonReader: a document of the load generator, read back. It may come from anywhere: each value is
// looked at before it is used, and the first thing that is wrong is what the error names. Keys that
// are not known are passed over, since later versions add some. Not for other layers.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "saker/base/time.h"

namespace saker::bench {

inline constexpr int64_t kLongestNs = int64_t{1} << 60;  // 36 years
inline constexpr uint64_t kMostCalls = uint64_t{1} << 53;

// Values of one object, by key. A key that is missing leaves `out` alone; one of another kind is
// remembered in `wrong`, which all objects of a document share.
class JsonReader {
 public:
  using Json = nlohmann::ordered_json;

  JsonReader(const Json* object, std::string path, std::string& wrong)
      : object_(object != nullptr && object->is_object() ? object : nullptr),
        path_(std::move(path)),
        wrong_(wrong) {
    if (object != nullptr && object_ == nullptr) complain("", "is no object");
  }

  const Json* find(const char* key) const {
    if (object_ == nullptr) return nullptr;
    const auto found = object_->find(key);
    return found == object_->end() ? nullptr : &*found;
  }
  JsonReader inner(const char* key) const { return {find(key), path_ + key + ".", wrong_}; }

  void read(const char* key, std::string& out) const {
    const Json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_string()) return complain(key, "is no string");
    out = value->get_ref<const std::string&>();
  }
  template <typename Count>
  void read_count(const char* key, Count& out, uint64_t most = kMostCalls) const {
    const Json* value = find(key);
    if (value == nullptr) return;
    uint64_t count = 0;
    if (!is_count(*value, most, count)) return complain(key, "is no count");
    out = static_cast<Count>(count);
  }
  void read(const char* key, Duration& out) const {
    int64_t ns = out.count();
    read_count(key, ns, kLongestNs);
    out = Duration(ns);
  }
  void read(const char* key, double& out) const {
    const Json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_number()) return complain(key, "is no number");
    out = value->get<double>();
  }
  // null leaves it alone, too.
  void read_or_null(const char* key, double& out) const {
    const Json* value = find(key);
    if (value != nullptr && !value->is_null()) read(key, out);
  }
  void read(const char* key, bool& out) const {
    const Json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_boolean()) return complain(key, "is neither true nor false");
    out = value->get<bool>();
  }
  // An array of counts.
  std::vector<uint64_t> counts(const char* key, uint64_t most) const {
    std::vector<uint64_t> all;
    const Json* value = find(key);
    if (value == nullptr) return all;
    if (!value->is_array()) complain(key, "is no array");
    for (const Json& element : *value) {
      all.push_back(0);
      if (!is_count(element, most, all.back())) complain(key, "has something that is no count");
    }
    return all;
  }
  std::vector<double> numbers(const char* key) const {
    std::vector<double> all;
    const Json* value = find(key);
    if (value == nullptr) return all;
    if (!value->is_array()) complain(key, "is no array");
    for (const Json& element : *value) {
      if (!element.is_number()) complain(key, "has something that is no number");
      const double number = element.is_number() ? element.get<double>() : 0;
      const bool fits = number >= 0 && number <= static_cast<double>(kLongestNs);
      if (!fits) complain(key, "has a number that is out of range");
      all.push_back(fits ? number : 0);
    }
    return all;
  }
  void strings(const char* key, std::vector<std::string>& out) const {
    const Json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_array()) return complain(key, "is no array");
    for (const Json& element : *value) {
      if (!element.is_string()) return complain(key, "has something that is no string");
      out.push_back(element.get_ref<const std::string&>());
    }
  }
  // Its elements, each as an object.
  template <typename Use>
  void each(const char* key, Use use) const {
    const Json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_array()) return complain(key, "is no array");
    for (const Json& element : *value) use(JsonReader(&element, path_ + key + ".", wrong_));
  }
  void demand(const char* key) const {
    if (find(key) == nullptr) complain(key, "is missing");
  }
  void complain(const std::string& key, const char* what) const {
    if (wrong_.empty()) wrong_ = "'" + path_ + key + "' " + what;
  }

 private:
  static bool is_count(const Json& value, uint64_t most, uint64_t& out) {
    if (!value.is_number_unsigned()) return false;
    out = value.get<uint64_t>();
    return out <= most;
  }

  const Json* object_;
  const std::string path_;
  std::string& wrong_;
};

}  // namespace saker::bench
