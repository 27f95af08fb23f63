// ptxvm-mutate on the sample program: what it prints, and its exit code.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <string>
#include <utility>

namespace {

// Exit code and all that was written.
std::pair<int, std::string> output(const std::string& command) {
  FILE* out = popen((command + " 2>&1").c_str(), "r");
  std::string text;
  char part[4096];
  while (std::fgets(part, sizeof part, out) != nullptr) text += part;
  const int status = pclose(out);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text};
}

// With one worker, so that all runs are alike.
std::pair<int, std::string> tool(const std::string& arguments) {
  return output("PTXVM_THREADS=1 " TOOL " " + arguments);
}

std::size_t occurrences(const std::string& text, const std::string& word) {
  std::size_t n = 0;
  for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++n;
  return n;
}

#define HAS(text, word) EXPECT_NE((text).find(word), std::string::npos) << (text)

// Every removal from the sample is caught by one run, whatever the interleaving.
TEST(Mutate, EveryRemovalIsCaught) {
  const auto [status, text] = tool("--jobs 2 -- " SAMPLE);
  EXPECT_EQ(status, 0) << text;
  HAS(text, "27 caught, 0 survived, 0 unknown, 4 not executed");
  HAS(text, "::reduce(int const*, int*)");
  HAS(text, "sample.cu:");
  // One removal lets a read come before its write: which of the two is told first is the interleaving's.
  EXPECT_EQ(occurrences(text, "race: ") + occurrences(text, "memory that nobody has written"), 22u) << text;
  EXPECT_EQ(occurrences(text, "proxy fence missing"), 1u) << text;
  EXPECT_EQ(occurrences(text, "has not begun: a cluster barrier must come first"), 2u) << text;
  EXPECT_EQ(occurrences(text, "deadlock: no block of cluster 0"), 1u) << text;
}

// Without the race checker a barrier's removal shows where it changes results, under some seeds of the strict mode.
TEST(Mutate, ChangedResultsAreCaughtUnderSomeSeed) {
  const auto [status, text] = output("PTXVM_THREADS=1 PTXVM_STRICT=split " TOOL " --check fast --seeds 20 --kernel '(reduce|exchange)\\(' -- " SAMPLE);
  EXPECT_EQ(status, 0) << text;
  HAS(text, "3 caught, 0 survived, 0 unknown, 0 not executed");
  EXPECT_EQ(occurrences(text, "exit code 1 (seed "), 3u) << text;
}

TEST(Mutate, WhatNobodyNeedsSurvivesAndWhatIsNotReachedIsNotRun) {
  const auto [status, text] = tool("--seeds 2 -- " SAMPLE " idle");
  EXPECT_EQ(status, 1) << text;
  HAS(text, "SURVIVED");
  HAS(text, "0 caught, 1 survived, 0 unknown, ");
  EXPECT_GT(occurrences(text, "not executed"), 1u) << text;  // the other kernels', and the barrier behind the branch
}

TEST(Mutate, ADeadlockIsCaughtWithItsMessage) {
  const auto [status, text] = tool("--kernel meeting -- " SAMPLE " meeting");
  EXPECT_EQ(status, 1) << text;  // who only arrives needs nobody who waits
  HAS(text, "1 caught, 1 survived, 0 unknown, 0 not executed");
  HAS(text, "deadlock: no thread of the block can go on");
}

TEST(Mutate, ARunThatTakesTooLongIsCaught) {
  const auto [status, text] = tool("--timeout 3 -- sh -c '" SAMPLE " idle; test -z \"$PTXVM_MUTATE\" || sleep 60'");
  EXPECT_EQ(status, 0) << text;
  HAS(text, "timed out");
}

TEST(Mutate, AListRunsNothing) {
  const auto [status, text] = tool("--list -- " SAMPLE);
  EXPECT_EQ(status, 0) << text;
  HAS(text, "st.release.gpu.global.s32 -> st.relaxed.gpu.global.s32");
  HAS(text, "ld.acquire.gpu.global.s32 -> ld.acquire.cluster.global.s32");
  EXPECT_EQ(occurrences(text, "caught"), 0u) << text;
}

TEST(Mutate, BadUseIsSaid) {
  EXPECT_EQ(tool("").first, 2);
  EXPECT_EQ(tool("--seeds -- true").first, 2);
  EXPECT_EQ(tool("--seeds 0 -- true").first, 2);
  EXPECT_EQ(tool("--check most -- true").first, 2);
  EXPECT_EQ(tool("--kernel '(' -- true").first, 2);
  HAS(tool("--frobnicate -- true").second, "unknown option --frobnicate");
  const auto failing = tool("-- " SAMPLE " fail");
  EXPECT_EQ(failing.first, 2);
  HAS(failing.second, "the unchanged command fails: exit code 7");
  const auto nothing = tool("-- " SAMPLE " nothing");
  EXPECT_EQ(nothing.first, 2);
  HAS(nothing.second, "loaded no PTX");
  const auto missing = tool("-- /no/such/program");
  EXPECT_EQ(missing.first, 2);
  HAS(missing.second, "No such file");
  EXPECT_EQ(tool("--help").first, 0);
}

TEST(Mutate, TheEmulatorRefusesWhatIsNoMutation) {
  HAS(output("PTXVM_MUTATE=nonsense " SAMPLE " idle").second, "PTXVM_MUTATE=nonsense is not of the form MODULE:NUMBER");
  HAS(output("PTXVM_MUTATE_LIST=/no/such/folder/list " SAMPLE " idle").second, "PTXVM_MUTATE_LIST=/no/such/folder/list cannot be written");
}

}  // namespace
