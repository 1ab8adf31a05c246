#include "file_schema.h"

#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace saker::app {
namespace {

class FileSchemas : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/saker-schema-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((directory_ / name).parent_path());
    std::ofstream(directory_ / name) << text;
    return directory_ / name;
  }
  std::string directory() const { return directory_; }

 private:
  std::filesystem::path directory_;
};

constexpr char kShop[] = R"(syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
// What was bought.
message Order { string id = 1; google.protobuf.Timestamp at = 2; map<string, Order> parts = 3; }
service Orders {
  rpc Get(Order) returns (Order);
  rpc Watch(stream Order) returns (stream Order);
}
)";

TEST_F(FileSchemas, MethodsByEveryFormOfTheirName) {
  const auto schema = load_protos({write("shop.proto", kShop)}, {});
  ASSERT_TRUE(schema) << schema.error().message;
  EXPECT_EQ(*(*schema)->service_names(), std::vector<std::string>{"shop.Orders"});
  for (const char* name : {"shop.Orders/Get", "/shop.Orders/Get", "shop.Orders.Get"}) {
    const auto method = find_method(**schema, name);
    ASSERT_TRUE(method) << method.error().message;
    EXPECT_EQ((*method)->full_name(), "shop.Orders.Get");
  }
}

TEST_F(FileSchemas, UnknownNamesComeWithTheNearest) {
  const auto schema = load_protos({write("shop.proto", kShop)}, {});
  ASSERT_TRUE(schema);
  const auto error = [&](const char* name) {
    const auto method = find_method(**schema, name);
    return method ? "found" : method.error().message;
  };
  EXPECT_NE(error("shop.Ordrs/Get").find("did you mean shop.Orders?"), std::string::npos);
  EXPECT_NE(error("Orders/Get").find("did you mean shop.Orders?"), std::string::npos);
  EXPECT_NE(error("x.y/Get").find("there are shop.Orders"), std::string::npos);
  EXPECT_NE(error("shop.Orders/Gat").find("did you mean Get?"), std::string::npos);
  EXPECT_NE(error("Get").find("write SERVICE/METHOD"), std::string::npos);
  EXPECT_NE(error("shop.Orders/").find("write SERVICE/METHOD"), std::string::npos);
}

TEST_F(FileSchemas, SymbolsInSourceForm) {
  const auto schema = load_protos({write("shop.proto", kShop)}, {});
  ASSERT_TRUE(schema);
  const auto source = [&](const char* name) {
    const auto symbol = find_symbol(**schema, name);
    return symbol ? symbol->kind + "\n" + symbol->source : symbol.error().message;
  };
  EXPECT_NE(source("shop.Order").find("// What was bought.\nmessage Order {"), std::string::npos);
  EXPECT_NE(source("shop.Orders/Watch").find("method\nrpc Watch(stream .shop.Order)"),
            std::string::npos)
      << source("shop.Orders/Watch");
  EXPECT_TRUE(source("shop.Order.id").starts_with("field\n"));
  EXPECT_TRUE(source("shop.proto").starts_with("file\n"));
  EXPECT_EQ(source("shop.Nothing").find("no symbol shop.Nothing"), 0u) << source("shop.Nothing");
  EXPECT_NE(find_symbol(**schema, "shop.Order")->json.find("\"typeName\""), std::string::npos);
}

TEST_F(FileSchemas, ImportsAreFoundBelowImportPaths) {
  write("a/one.proto", "syntax = \"proto3\"; package p; message One {}");
  write("b/two.proto",
        "syntax = \"proto3\"; package p; import \"one.proto\"; service S { rpc M(One) returns "
        "(One); }");
  const std::string a = directory() + "/a";
  const std::string b = directory() + "/b";
  EXPECT_TRUE(load_protos({"two.proto"}, {a, b}));
  EXPECT_TRUE(load_protos({b + "/two.proto"}, {a, b}));
  const auto missing = load_protos({"two.proto"}, {b});
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("two.proto:1:"), std::string::npos)
      << missing.error().message;
  EXPECT_NE(missing.error().message.find("one.proto"), std::string::npos);
}

TEST_F(FileSchemas, ErrorsNameFileAndLine) {
  const auto broken =
      load_protos({write("broken.proto", "syntax = \"proto3\";\nmesage X {}\n")}, {});
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message.find("broken.proto:2:1: "), std::string::npos)
      << broken.error().message;
  const auto unknown =
      load_protos({write("unknown.proto", "syntax = \"proto3\";\nmessage X { Y y = 1; }\n")}, {});
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("unknown.proto:2:13: \"Y\" is not defined"),
            std::string::npos)
      << unknown.error().message;
  const auto absent = load_protos({directory() + "/absent.proto"}, {});
  ASSERT_FALSE(absent);
  EXPECT_NE(absent.error().message.find("absent.proto"), std::string::npos);
  EXPECT_FALSE(load_protos({"x.proto"}, {directory() + "/no-directory"}));
}

TEST_F(FileSchemas, AnImportCycleIsAnError) {
  write("a.proto", "syntax = \"proto3\"; import \"b.proto\";");
  write("b.proto", "syntax = \"proto3\"; import \"a.proto\";");
  const auto cycle = load_protos({"a.proto"}, {directory()});
  ASSERT_FALSE(cycle);
  EXPECT_NE(cycle.error().message.find("recursively imports itself: a.proto -> b.proto -> a.proto"),
            std::string::npos)
      << cycle.error().message;
}

TEST_F(FileSchemas, DescriptorSets) {
  const auto proto = load_protos({write("shop.proto", kShop)}, {});
  ASSERT_TRUE(proto);
  pb::FileDescriptorSet set;
  const pb::FileDescriptor* file = (*proto)->pool().FindFileByName("shop.proto");
  file->CopyTo(set.add_file());
  const auto alone = load_protosets({write("alone.protoset", set.SerializeAsString())});
  ASSERT_FALSE(alone);
  EXPECT_NE(alone.error().message.find("--include_imports"), std::string::npos);
  file->dependency(0)->CopyTo(set.add_file());
  const auto whole = load_protosets({write("whole.protoset", set.SerializeAsString())});
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_TRUE(find_method(**whole, "shop.Orders/Watch"));
  EXPECT_FALSE(load_protosets({write("text", "no such thing")}));
  EXPECT_FALSE(load_protosets({directory() + "/absent"}));
}

}  // namespace
}  // namespace saker::app
