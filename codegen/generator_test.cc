// What the plugin writes, read as text. That it compiles and works is codegen_test's to show.
#include "generator.h"

#include <gmock/gmock.h>
#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>

namespace saker::codegen {
namespace {

namespace pb = google::protobuf;
using testing::HasSubstr;
using testing::Not;

class MemoryContext final : public pb::compiler::GeneratorContext {
 public:
  pb::io::ZeroCopyOutputStream* Open(const std::string& name) override {
    return new pb::io::StringOutputStream(&files[name]);
  }
  std::map<std::string, std::string> files;
};

class GeneratorTest : public testing::Test {
 protected:
  const pb::FileDescriptor* parse(const std::string& name, const std::string& text) {
    pb::io::ArrayInputStream input(text.data(), static_cast<int>(text.size()));
    pb::io::Tokenizer tokenizer(&input, nullptr);
    pb::compiler::Parser parser;
    pb::FileDescriptorProto proto;
    EXPECT_TRUE(parser.Parse(&tokenizer, &proto)) << name;
    proto.set_name(name);
    return pool_.BuildFile(proto);
  }
  // Header and source of `text` as x.proto.
  void generate(const std::string& text) {
    const pb::FileDescriptor* file = parse("a/x.proto", "syntax = \"proto3\";\n" + text);
    ASSERT_NE(file, nullptr);
    MemoryContext context;
    std::string error;
    ASSERT_TRUE(Generator().Generate(file, "", &context, &error)) << error;
    ASSERT_EQ(context.files.size(), 2u);
    header = context.files["a/x.saker.h"];
    source = context.files["a/x.saker.cc"];
  }

  std::string header;
  std::string source;

 private:
  pb::DescriptorPool pool_;
};

TEST_F(GeneratorTest, WritesBothFilesWithoutAService) {
  generate("package p; message M {}");
  EXPECT_THAT(header, HasSubstr("#pragma once"));
  EXPECT_THAT(header, HasSubstr("#include \"a/x.pb.h\""));
  EXPECT_THAT(source, HasSubstr("#include \"a/x.saker.h\""));
  EXPECT_THAT(header, Not(HasSubstr("Stub")));
}

TEST_F(GeneratorTest, IsDeterministic) {
  const std::string text = "message M {} service S { rpc B(M) returns (M); rpc A(M) returns (M); }";
  const pb::FileDescriptor* file = parse("y.proto", "syntax = \"proto3\";" + text);
  MemoryContext first;
  MemoryContext second;
  std::string error;
  ASSERT_TRUE(Generator().Generate(file, "", &first, &error));
  ASSERT_TRUE(Generator().Generate(file, "", &second, &error));
  EXPECT_EQ(first.files, second.files);
}

TEST_F(GeneratorTest, RefusesParameters) {
  const pb::FileDescriptor* file = parse("z.proto", "syntax = \"proto3\";");
  MemoryContext context;
  std::string error;
  EXPECT_FALSE(Generator().Generate(file, "lite", &context, &error));
  EXPECT_THAT(error, HasSubstr("z.proto: unknown parameter \"lite\""));
  EXPECT_TRUE(context.files.empty());
}

TEST_F(GeneratorTest, RefusesAPackageThatIsNoNamespace) {
  const pb::FileDescriptor* file = parse("z.proto", "syntax = \"proto3\"; package a.new.b;");
  MemoryContext context;
  std::string error;
  if (Generator().Generate(file, "", &context, &error)) {
    EXPECT_THAT(context.files["z.saker.h"], HasSubstr("namespace a::new_::b {"));
  } else {
    EXPECT_THAT(error, HasSubstr("z.proto: package \"a.new.b\": \"new\" is a keyword of C++"));
  }
}

TEST_F(GeneratorTest, EachKindHasItsRegistration) {
  generate(
      "package p; message M {}\n"
      "service S {\n"
      "  rpc U(M) returns (M);\n"
      "  rpc C(stream M) returns (M);\n"
      "  rpc E(M) returns (stream M);\n"
      "  rpc B(stream M) returns (stream M);\n"
      "}\n");
  EXPECT_THAT(header, HasSubstr("dispatcher.add_unary<::p::M"));
  EXPECT_THAT(header, HasSubstr("dispatcher.add_client_streaming<::p::M"));
  EXPECT_THAT(header, HasSubstr("dispatcher.add_server_streaming<::p::M"));
  EXPECT_THAT(header, HasSubstr("dispatcher.add_bidi_streaming<::p::M"));
  EXPECT_THAT(header, HasSubstr("\"/p.S/C\""));
  EXPECT_THAT(header, HasSubstr("MethodKind::kServerStreaming"));
  EXPECT_THAT(source, HasSubstr("method(\"/p.S/B\")"));
}

TEST_F(GeneratorTest, CarriesCommentsOver) {
  generate(
      "package p; message M {}\n"
      "// About the service.\n"
      "//\n"
      "//   indented\n"
      "service S {\n"
      "  // Before. Ends in a backslash \\\n"
      "  rpc U(M) returns (M);  // Behind.\n"
      "}\n");
  EXPECT_THAT(header, HasSubstr("// About the service.\n//\n//   indented\n"));
  EXPECT_THAT(header, HasSubstr("  // Before. Ends in a backslash \\ //\n  // Behind.\n"));
}

TEST_F(GeneratorTest, MarksWhatIsDeprecated) {
  generate(
      "package p; message M {}\n"
      "service S { rpc U(M) returns (M) { option deprecated = true; } rpc V(M) returns (M); }\n");
  EXPECT_THAT(header, HasSubstr("[[deprecated]] ::saker::grpc::Status u("));
  EXPECT_THAT(header, HasSubstr("using UCall [[deprecated]] ="));
  EXPECT_THAT(header, HasSubstr("  [[deprecated]] static const ::saker::rpc::TypedMethod<"));
  EXPECT_THAT(header, HasSubstr("  static const ::saker::rpc::TypedMethod<"));
  EXPECT_THAT(header, HasSubstr("  ::saker::grpc::Status v("));
  EXPECT_THAT(header, HasSubstr("using VCall = "));
}

TEST_F(GeneratorTest, GivesWayToTheFilesOwnNames) {
  generate(
      "package p; message SStub {} message UnimplementedS {} enum E { register_s = 0; }\n"
      "service S { rpc U(SStub) returns (SStub); }\n");
  EXPECT_THAT(header, HasSubstr("class SStub_ {"));
  EXPECT_THAT(header, HasSubstr("class UnimplementedS_ {"));
  EXPECT_THAT(header, HasSubstr("void register_s_("));
}

TEST_F(GeneratorTest, PeoplesNamesComeBeforeMadeOnes) {
  generate(
      "package p; message M {}\n"
      "service S { rpc A(M) returns (M); rpc AMethod(M) returns (M); rpc a(M) returns (M); }\n");
  EXPECT_THAT(header, HasSubstr("handler->a(context"));
  EXPECT_THAT(header, HasSubstr("handler->a_method(context"));
  EXPECT_THAT(header, HasSubstr("handler->a_(context"));
  EXPECT_THAT(header, HasSubstr("  a_method_();"));
}

TEST_F(GeneratorTest, NamesOfImportedAndNestedTypes) {
  ASSERT_NE(parse("b/y.proto", "syntax = \"proto3\"; package q.r; message O { message class {} }"),
            nullptr);
  generate(
      "import \"b/y.proto\"; message M { message N {} }\n"
      "service S { rpc U(M.N) returns (q.r.O.class); }\n");
  EXPECT_THAT(header, HasSubstr("#include \"a/x.pb.h\"\n#include \"b/y.pb.h\"\n"));
  EXPECT_THAT(header, HasSubstr("::M_N& request"));
  EXPECT_THAT(header, HasSubstr("::q::r::O_class& reply"));
  EXPECT_THAT(header, Not(HasSubstr("namespace  {")));
}

}  // namespace
}  // namespace saker::codegen
