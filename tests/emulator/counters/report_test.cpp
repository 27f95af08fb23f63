// PTXVM_COUNTERS: what is written when a program ends, and ptxvm.h.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "ptxvm/ptxvm.h"
#include "support.hpp"

namespace {

using namespace counters_test;

const char* const kStrided = R"(
.loc 1 12 0
.reg .b32 %w; .reg .f32 %f;
mad.wide.u32 %at, %i, 16, %q0;
ld.global.b32 %w, [%at];
mov.b32 %f, %w;
fma.rn.f32 %f, %f, %f, %f;
st.global.f32 [%at], %f;
bar.sync 0;
)";

void run_strided() {
  const Buffer buffer(std::vector<u32>(256, 0));
  run(kernel_text(1, kStrided, ".file 1 \"strided.cu\""), {{1}, {64}}, {buffer.address()});
}

// Also run by the tests below, under their environment.
TEST(Inner, Strided) {
  ptxvm_reset_counters();
  run_strided();
  EXPECT_EQ(ptxvm_instructions("k", "global"), 4u);
}

// What the program wrote to its standard streams.
std::string output(const std::string& setting) {
  char self[4096] = {};
  EXPECT_GT(readlink("/proc/self/exe", self, sizeof self - 1), 0);
  const std::string command = "PTXVM_COUNTERS=" + setting + " '" + self +
                              "' --gtest_filter=Inner.* 2>&1";
  FILE* out = popen(command.c_str(), "r");
  std::string text;
  char part[4096];
  while (std::fgets(part, sizeof part, out) != nullptr) text += part;
  EXPECT_EQ(pclose(out), 0) << text;
  return text;
}

void expect_found(const std::string& text, std::initializer_list<const char*> parts) {
  for (const char* part : parts) EXPECT_NE(text.find(part), std::string::npos) << part << "\nin\n" << text;
}

TEST(Report, TableAtExit) {
  expect_found(output("table"), {"grid (1,1,1), block (64,1,1)", "2 requests, 256 bytes, 32 sectors (16.00 a request, 25.0% useful)",
                                 "flops, fp32", " 128\n", "read 256 bytes in 32 sectors, written 256 in 32", "passed 1 times",
                                 "us a launch on H100, most of it launch"});
}

TEST(Report, LinesBlameTheInstruction) {
  expect_found(output("lines"), {"ld.global.b32  strided.cu:12\n", "st.global.f32  strided.cu:12\n"});
}

TEST(Report, JsonToAFile) {
  const std::string file = ::testing::TempDir() + "ptxvm_report_" + std::to_string(getpid()) + ".json";
  const std::string said = output("json:" + file);
  EXPECT_EQ(said.find("kernels"), std::string::npos);
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  std::remove(file.c_str());
  const nlohmann::json all = nlohmann::json::parse(text.str());
  EXPECT_EQ(all["device"], "H100");
  ASSERT_EQ(all["kernels"].size(), 1u);
  const nlohmann::json& k = all["kernels"][0];
  EXPECT_EQ(k["name"], "k");
  EXPECT_EQ(k["memory"]["global_load"], (nlohmann::json{{"requests", 2}, {"bytes", 256}, {"sectors", 32}}));
  EXPECT_EQ(k["flops"]["fp32"], 128);
  EXPECT_EQ(k["unique"]["bytes_read"], 256);
  EXPECT_EQ(k["latest_launch"]["block"], (nlohmann::json{64, 1, 1}));
  ASSERT_EQ(k["lines"].size(), 2u);
  EXPECT_EQ(k["lines"][0]["source"], "strided.cu:12");
  EXPECT_EQ(k["lines"][0]["sectors"], 32);
  EXPECT_EQ(k["modelled"]["largest"], "launch");
  EXPECT_EQ(all["total"]["warp_instructions"], k["warp_instructions"]);
}

TEST(Report, NothingUnasked) { EXPECT_EQ(output("").find("ptxvm counters"), std::string::npos); }

TEST(Report, TheHeaderHasTheSameFigures) {
  ptxvm_reset_counters();
  ptxvm_count_memory(1);
  run_strided();
  ptxvm_count_memory(0);
  ptxvm_kernel_counters c;
  ASSERT_EQ(ptxvm_counters(&c, 1), 1u);
  EXPECT_STREQ(c.name, "k");
  EXPECT_EQ(c.global_load.sectors, 32u);
  EXPECT_EQ(c.global_store.bytes, 256u);
  EXPECT_EQ(c.unique_bytes_read, 256u);
  EXPECT_EQ(c.flops_single, 128u);
  EXPECT_EQ(c.block_barriers, 1u);
  EXPECT_EQ(c.branches, 0u);
  EXPECT_GT(c.modelled_seconds, 0);
  EXPECT_STREQ(c.modelled_largest, "launch");
  EXPECT_EQ(ptxvm_instructions("k", "global"), 4u);
  EXPECT_EQ(ptxvm_instructions("k", "no such class"), 0u);
  EXPECT_EQ(ptxvm_instructions("no such kernel", "global"), 0u);
}

}  // namespace
