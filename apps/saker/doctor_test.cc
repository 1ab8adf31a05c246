// The verdicts of saker doctor, on facts of machines that are not here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "doctor_checks.h"

namespace saker::app {
namespace {

using testing::HasSubstr;

void expect(const Finding& finding, Verdict verdict, const std::string& found,
            const std::string& mend = "") {
  EXPECT_EQ(finding.verdict, verdict) << finding.name << ": " << finding.found;
  EXPECT_THAT(finding.found, HasSubstr(found));
  EXPECT_THAT(finding.mend, HasSubstr(mend));
}

TEST(Doctor, WithoutVsockThereIsOneLineAboutIt) {
  const auto all = judge_vsock({});
  ASSERT_EQ(all.size(), 1u);
  expect(all[0], Verdict::kMissing, "no AF_VSOCK sockets", "modprobe vsock");
}

TEST(Doctor, AGuestAHostAndNeither) {
  VsockFacts facts{.sockets = true, .loopback = true};
  facts.own_cid = 42;
  expect(judge_vsock(facts)[1], Verdict::kOk, "42: a virtual machine");
  facts.own_cid = 2;
  facts.vhost_exists = facts.vhost_usable = true;
  for (const Finding& finding : judge_vsock(facts)) EXPECT_EQ(finding.verdict, Verdict::kOk);
  expect(judge_vsock(facts)[1], Verdict::kOk, "a host of virtual machines");
  facts.own_cid = 1;
  expect(judge_vsock(facts)[1], Verdict::kNote, "this machine alone");
  facts.own_cid = 0xFFFFFFFF;
  expect(judge_vsock(facts)[1], Verdict::kNote, "no guest or host driver");
}

TEST(Doctor, RightsOfDevices) {
  VsockFacts facts{.sockets = true, .device_error = EACCES, .vhost_exists = true};
  const auto all = judge_vsock(facts);
  expect(all[1], Verdict::kNote, "may not be read", "nothing needs it");
  expect(all[2], Verdict::kMissing, "CID 1", "modprobe vsock_loopback");
  expect(all[3], Verdict::kMissing, "may not be opened", "group");
  facts.device_error = ENOENT;
  expect(judge_vsock(facts)[1], Verdict::kNote, "there is no /dev/vsock");
}

TEST(Doctor, Limits) {
  expect(judge_descriptors(UINT64_MAX), Verdict::kOk, "unlimited");
  expect(judge_descriptors(1'048'576), Verdict::kOk, "1,048,576");
  expect(judge_descriptors(1024), Verdict::kMissing, "1,024 at most", "LimitNOFILE");
  expect(judge_backlog(4096), Verdict::kOk, "4,096");
  expect(judge_backlog(128), Verdict::kMissing, "128", "sysctl net.core.somaxconn=4096");
  expect(judge_memory(1 << 30, UINT64_MAX), Verdict::kNote, "1GiB", "--max-memory 819MiB");
  expect(judge_memory(1 << 30, 500 << 20), Verdict::kNote,
         "1GiB, of which the cgroup allows 500MiB", "--max-memory 400MiB");
  expect(judge_locked_memory(0, true), Verdict::kOk, "without limit");
  expect(judge_locked_memory(UINT64_MAX, false), Verdict::kOk, "unlimited");
  expect(judge_locked_memory(8 << 20, false), Verdict::kMissing, "8MiB", "LimitMEMLOCK");
  expect(judge_core_dumps(0, "core"), Verdict::kOk, "off");
  expect(judge_core_dumps(UINT64_MAX, "|/x"), Verdict::kNote, "|/x", "LimitCORE=0");
}

TEST(Doctor, Machine) {
  expect(judge_io_uring(0), Verdict::kNote, "there");
  expect(judge_io_uring(EPERM), Verdict::kNote, "forbidden");
  expect(judge_io_uring(ENOSYS), Verdict::kNote, "not implemented");
  expect(judge_cpus(2, 4), Verdict::kOk, "2 of 4");
  expect(judge_cpus(1, 4), Verdict::kNote, "1 of 4", "share one");
  expect(judge_cpu_features("aes pclmulqdq bmi2 adx avx2 sha_ni avx512ifma"), Verdict::kOk, "aes");
  expect(judge_cpu_features("fpu aes avx2"), Verdict::kNote, "aes avx2", "without pclmulqdq");
  expect(judge_cpu_features(""), Verdict::kNote, "none of those");
  expect(judge_clock("tsc", 25), Verdict::kOk, "tsc, 25 ns");
  expect(judge_clock("hpet", 900), Verdict::kMissing, "hpet, 900 ns", "tsc");
}

TEST(Doctor, ThisMachineHasAnAnswerToEverything) {
  const auto all = examine_machine();
  EXPECT_GE(all.size(), 9u);
  for (const Finding& finding : all) {
    EXPECT_FALSE(finding.found.empty()) << finding.name;
    EXPECT_TRUE(finding.verdict != Verdict::kMissing || !finding.mend.empty()) << finding.name;
  }
}

}  // namespace
}  // namespace saker::app
