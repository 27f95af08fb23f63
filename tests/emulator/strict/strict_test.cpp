// The strict modes: each wrong kernel of kernels.cu passes without its mode, and fails in it under a seed that is
// written here; its right twin passes under every seed. The environment decides, so each run is a process.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr int kSeeds = 12;

// Exit code and all that was written. One worker: what a seed does is the same on every machine.
std::pair<int, std::string> run(const std::string& environment, const std::string& kernel) {
  const std::string command = "PTXVM_THREADS=1 " + environment + " " KERNELS " " + kernel + " 2>&1";
  FILE* out = popen(command.c_str(), "r");
  std::string text;
  char part[4096];
  while (std::fgets(part, sizeof part, out) != nullptr) text += part;
  const int status = pclose(out);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text};
}

std::string mode(const char* strict, int seed) {
  return "PTXVM_STRICT=" + std::string(strict) + " PTXVM_SEED=" + std::to_string(seed);
}

struct Twins {
  const char *kernel, *strict;
};
class WrongAndRight : public testing::TestWithParam<Twins> {};

TEST_P(WrongAndRight, OnlyTheWrongOneIsCaught) {
  const auto [kernel, strict] = GetParam();
  const std::string wrong = std::string(kernel) + "_wrong", right = std::string(kernel) + "_right";
  EXPECT_EQ(run("", wrong).first, 0) << "the machine's usual order does not show the fault";
  EXPECT_EQ(run("", right).first, 0);
  std::string caught;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    // Wrong values, or the error of a check that finds where they come from.
    if (const int status = run(mode(strict, seed), wrong).first; status == 1 || status == 2) caught += " " + std::to_string(seed);
    const auto [status, text] = run(mode(strict, seed), right);
    EXPECT_EQ(status, 0) << right << " under seed " << seed << ": " << text;
  }
  RecordProperty("seeds", caught);
  std::printf("%s in mode %s: caught by the seeds%s of 1 to %d\n", wrong.c_str(), strict, caught.c_str(), kSeeds);
  EXPECT_NE(caught, "");
}
INSTANTIATE_TEST_SUITE_P(Strict, WrongAndRight,
                         testing::Values(Twins{"exchange", "split"}, Twins{"leader", "split"}, Twins{"warps", "split"},
                                         Twins{"blocks", "split"}, Twins{"record", "tear"}),
                         [](const auto& info) { return std::string(info.param.kernel); });

TEST(Strict, AllThatGathersLanesStaysRight) {
  for (const char* kernel : {"gatherings", "arrivals", "row", "vectors"})
    for (const char* strict : {"", "split", "tear", "tear,split"})
      for (int seed = 1; seed <= kSeeds; ++seed) {
        const auto [status, text] = run(mode(strict, seed), kernel);
        EXPECT_EQ(status, 0) << kernel << " in mode " << strict << " under seed " << seed << ": " << text;
      }
}

TEST(Strict, ATornAccessMustBeAlignedAsAWhole) {
  for (const char* strict : {"", "tear"}) {
    const auto [status, text] = run(mode(strict, 1), "crooked");
    EXPECT_EQ(status, 2);
    EXPECT_NE(text.find("misaligned: 16-byte access"), std::string::npos) << text;
  }
}

TEST(Strict, AnUnknownModeIsAnErrorThatNamesTheKnownOnes) {
  const auto [status, text] = run("PTXVM_STRICT=split,shred", "exchange_right");
  EXPECT_EQ(status, 2);
  EXPECT_NE(text.find("PTXVM_STRICT=split,shred is not accepted; any of tear, split, with commas between, is"), std::string::npos) << text;
}

TEST(Approximations, AnUnknownModeIsAnError) {
  const auto [status, text] = run("PTXVM_APPROX=middling", "blocks_right");
  EXPECT_EQ(status, 2);
  EXPECT_NE(text.find("PTXVM_APPROX=middling is not accepted; one of exact, worst is"), std::string::npos) << text;
}

}  // namespace
