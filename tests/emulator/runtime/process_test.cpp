// What is decided by the environment, or shows only at a process's end: in processes of their own.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "fixture.hpp"

namespace {

// Exit status and all that was written.
std::pair<int, std::string> run(const std::string& environment, const std::string& test) {
  char self[4096] = {};
  if (readlink("/proc/self/exe", self, sizeof self - 1) <= 0) return {-1, "no such program"};
  const std::string command =
      environment + " " + self + " --gtest_also_run_disabled_tests --gtest_filter=" + test + " 2>&1";
  FILE* out = popen(command.c_str(), "r");
  std::string text;
  char part[4096];
  while (std::fgets(part, sizeof part, out) != nullptr) text += part;
  return {pclose(out), text};
}

// Run by the tests below, under their environment.
TEST(Inner, DISABLED_CountsDevices) {
  int count = 0;
  ASSERT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
  cudaDeviceProp properties;
  CUDA(cudaGetDeviceProperties(&properties, 0));
  std::printf("device=%s\n", properties.name);
}

TEST(Inner, DISABLED_Leaks) {
  void *kept = nullptr, *freed = nullptr;
  CUDA(cudaMalloc(&kept, 1234));
  CUDA(cudaMalloc(&freed, 4321));
  CUDA(cudaFree(freed));
}

TEST(Inner, DISABLED_Faults) {
  void *d = nullptr, *p = nullptr;
  Gate gate;
  CUDA(cudaMallocHost(&p, 4));
  gate.close(nullptr);
  CUDA(cudaMallocAsync(&d, 4, nullptr));
  CUDA(cudaFreeAsync(d, nullptr));
  CUDA(cudaMemcpyAsync(p, d, 4, cudaMemcpyDeviceToHost, nullptr));
  gate.open();
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
}

TEST(Process, TheEnvironmentPicksTheDevice) {
  EXPECT_NE(run("", "Inner.*CountsDevices").second.find("device=H100 profile, emulated"), std::string::npos);
  EXPECT_NE(run("PTXVM_DEVICE=t4", "Inner.*CountsDevices").second.find("device=T4 profile"),
            std::string::npos);
}

TEST(Process, AnUnknownDeviceIsAnErrorThatNamesTheKnownOnes) {
  const auto [status, text] = run("PTXVM_DEVICE=gtx480", "Inner.*CountsDevices");
  EXPECT_NE(status, 0);
  EXPECT_NE(text.find("gtx480"), std::string::npos) << text;
  EXPECT_NE(text.find("h100, a100, rtx4090, rtx5090, t4"), std::string::npos) << text;
}

// Each variable with what it does not take; the message says what it does.
TEST(Process, BadValuesOfVariablesAreRefusedByNameBeforeAnythingIsDone) {
  const struct {
    const char *setting, *accepted;
  } bad[] = {{"PTXVM_SEED=abc", "a number from 0 on"},
             {"PTXVM_SEED=-1", "a number from 0 on"},
             {"PTXVM_SEED=1x", "a number from 0 on"},
             {"PTXVM_SEED=99999999999999999999", "a number from 0 on"},
             {"PTXVM_THREADS=0", "a number from 1 to 1024"},
             {"PTXVM_THREADS=many", "a number from 1 to 1024"},
             {"PTXVM_BLAS_THREADS=0", "a number from 1 to 256"},
             {"PTXVM_BLAS_THREADS=257", "a number from 1 to 256"},
             {"PTXVM_VECTOR_UNIT=avx2", "one of v1, v3, v4"},
             {"PTXVM_CHECK=most", "one of off, fast, full"},
             {"PTXVM_MMA=fast", "one of exact, truncate"},
             {"PTXVM_COUNTERS=1", "one of table, json, lines, and then perhaps :FILE,"},
             {"PTXVM_COUNTERS=json:", "one of table, json, lines, and then perhaps :FILE,"},
             {"PTXVM_POISON=no", "0 or 1"},
             {"PTXVM_LEAKS=2", "0 or 1"},
             {"PTXVM_ABORT_ON_FAULT=yes", "0 or 1"}};
  for (const auto& one : bad) {
    const auto [status, text] = run(one.setting, "Inner.*CountsDevices");
    EXPECT_NE(status, 0) << one.setting;
    EXPECT_NE(text.find(std::string(one.setting) + " is not accepted; " + one.accepted), std::string::npos)
        << one.setting << ": " << text;
    EXPECT_EQ(text.find("device="), std::string::npos) << one.setting;
  }
}

TEST(Process, GoodAndEmptyValuesAreTaken) {
  const auto [status, text] =
      run("PTXVM_SEED=0x10 PTXVM_THREADS=2 PTXVM_BLAS_THREADS=1 PTXVM_POISON= PTXVM_LEAKS=0",
          "Inner.*CountsDevices");
  EXPECT_EQ(status, 0) << text;
  EXPECT_EQ(text.find("ptxvm: "), std::string::npos) << text;
}

TEST(Process, AVariableThatIsNotKnownIsTold) {
  const auto [status, text] = run("PTXVM_SEDE=2", "Inner.*CountsDevices");
  EXPECT_EQ(status, 0) << text;
  EXPECT_NE(text.find("PTXVM_SEDE means nothing to ptxvm"), std::string::npos) << text;
  EXPECT_NE(text.find("PTXVM_SEED"), std::string::npos) << text;
}

// Every variable that the sources read is in the table, and in the page that lists them.
TEST(Process, TheTableOfVariablesIsWhole) {
  const auto search = [](const std::string& command) {
    FILE* out = popen(command.c_str(), "r");
    std::string text;
    char part[4096];
    while (std::fgets(part, sizeof part, out) != nullptr) text += part;
    pclose(out);
    return text;
  };
  const std::string sources = PTXVM_SOURCES;
  const std::string read = search("grep -rhoE '\"PTXVM_[A-Z_]+\"' --include=*.cpp --include=*.hpp " +
                                  sources + " | tr -d '\"' | grep -v '^PTXVM_$' | sort -u");
  EXPECT_NE(read.find("PTXVM_SEED"), std::string::npos);
  const std::string page = search("cat " + sources + "/../docs/testing-without-a-gpu.md");
  for (std::size_t at = 0, end; (end = read.find('\n', at)) != std::string::npos; at = end + 1) {
    const std::string name = read.substr(at, end - at);
    EXPECT_NE(page.find("`" + name), std::string::npos) << name << " is not in docs/testing-without-a-gpu.md";
    const std::string told = run("PTXVM_SEDE=2", "Inner.*CountsDevices").second;
    EXPECT_NE(told.find(" " + name), std::string::npos) << name << " is not in the table";
  }
}

TEST(Process, LeaksAreListedAtTheEnd) {
  const std::string text = run("PTXVM_LEAKS=1", "Inner.*Leaks").second;
  EXPECT_NE(text.find("1 allocations leaked, 1234 bytes"), std::string::npos) << text;
  EXPECT_EQ(run("", "Inner.*Leaks").second.find("leaked"), std::string::npos);
}

TEST(Process, AFaultIsWrittenOnceAndAbortsWhereAsked) {
  const auto [status, text] = run("", "Inner.*Faults");
  EXPECT_EQ(status, 0) << text;
  const std::size_t first = text.find("ptxvm: ");
  ASSERT_NE(first, std::string::npos) << text;
  EXPECT_EQ(text.find("ptxvm: ", first + 1), std::string::npos) << text;
  EXPECT_NE(run("PTXVM_ABORT_ON_FAULT=1", "Inner.*Faults").first, 0);
}

}  // namespace
