// The calculator against the one that NVIDIA ships as a header (cuda_occupancy.h), and against figures
// from its programming guide.
#include "device/occupancy.hpp"

#include <cuda_occupancy.h>
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <string>

#include "support/error.hpp"

namespace ptxvm::device {
namespace {

int nvidia_blocks(const Profile& p, const BlockNeeds& needs) {
  cudaDeviceProp properties;
  fill_properties(p, &properties);
  const cudaOccDeviceProp device(properties);
  cudaOccFuncAttributes function{};
  function.maxThreadsPerBlock = 1024;
  function.numRegs = static_cast<int>(needs.registers);
  function.sharedSizeBytes = 0;
  function.partitionedGCConfig = PARTITIONED_GC_OFF;
  function.shmemLimitConfig = FUNC_SHMEM_LIMIT_OPTIN;
  function.maxDynamicSharedSizeBytes = properties.sharedMemPerBlockOptin;
  function.numBlockBarriers = 1;
  cudaOccDeviceState state{};
  state.carveoutConfig = 100;
  cudaOccResult result{};
  if (cudaOccMaxActiveBlocksPerMultiprocessor(&result, &device, &function, &state,
                                              static_cast<int>(needs.threads),
                                              needs.shared) != CUDA_OCC_SUCCESS)
    return -1;
  return result.activeBlocksPerMultiprocessor;
}

TEST(Occupancy, AgreesWithNvidiasCalculator) {
  int compared = 0;
  for (const Profile& p : profiles()) {
    for (std::uint32_t threads :
         {1u, 32u, 33u, 64u, 96u, 128u, 192u, 256u, 384u, 512u, 640u, 768u, 1000u, 1024u}) {
      for (std::uint32_t registers = 8; registers <= 255; registers += 13) {
        for (std::uint64_t shared : {0ull, 1ull, 1000ull, 4096ull, 12345ull, 30000ull, 49152ull, 65536ull,
                                     100000ull, 101376ull, 113664ull, 166912ull, 232448ull}) {
          if (shared > p.shared_per_block_optin) continue;
          const BlockNeeds needs{threads, registers, shared};
          const int expected = nvidia_blocks(p, needs);
          ASSERT_GE(expected, 0);
          ASSERT_EQ(resident_blocks(p, needs), static_cast<std::uint32_t>(expected))
              << p.key << " threads " << threads << " registers " << registers << " shared " << shared;
          compared++;
        }
      }
    }
  }
  EXPECT_GT(compared, 5000);
}

TEST(Occupancy, KnownFiguresOfTheH100) {
  const Profile p = h100();
  EXPECT_EQ(resident_blocks(p, {256, 32, 0}), 8u);  // 2048 threads
  EXPECT_EQ(resident_blocks(p, {256, 64, 0}), 4u);  // 65536 registers
  EXPECT_EQ(resident_blocks(p, {32, 16, 0}), 32u);  // blocks
  EXPECT_EQ(resident_blocks(p, {128, 16, 227 * 1024}), 1u);
  EXPECT_EQ(resident_blocks(p, {128, 16, 113 * 1024}), 2u);
  EXPECT_EQ(resident_blocks(p, {128, 16, 113 * 1024 + 1}), 1u);
  EXPECT_EQ(resident_blocks(p, {128, 16, 227 * 1024 + 1}), 0u);
  EXPECT_EQ(resident_blocks(p, {1024, 65, 0}), 0u);  // the register file
  EXPECT_EQ(resident_blocks(p, {1025, 16, 0}), 0u);
}

TEST(Occupancy, ClustersStayInsideAGpc) {
  const Profile p = h100();
  const BlockNeeds whole{1024, 64, 200 * 1024};  // one block fills a multiprocessor
  EXPECT_EQ(p.multiprocessors(), 132u);
  EXPECT_EQ(resident_clusters(p, whole, 1), 132u);
  EXPECT_EQ(resident_clusters(p, whole, 2), 66u);
  EXPECT_EQ(resident_clusters(p, whole, 4), 32u);
  EXPECT_EQ(resident_clusters(p, whole, 8), 16u);
  EXPECT_EQ(resident_clusters(p, whole, 16), 8u);
  EXPECT_EQ(resident_clusters(p, whole, 17), 0u);
  EXPECT_EQ(resident_clusters(a100(), whole, 2), 0u) << "no clusters before sm_90";
}

TEST(Occupancy, AvailableSharedMemoryFits) {
  for (const Profile& p : profiles()) {
    for (std::uint32_t blocks = 1; blocks <= 8; blocks++) {
      const std::uint64_t shared = available_shared(p, blocks);
      EXPECT_GE(resident_blocks(p, {32, 16, shared}), blocks) << p.key;
      if (shared < p.shared_per_block_optin) {
        EXPECT_LT(resident_blocks(p, {32, 16, shared + 1}), blocks) << p.key;
      }
    }
  }
}

TEST(Profiles, HaveTheirMultiprocessors) {
  EXPECT_EQ(h100().multiprocessors(), 132u);
  EXPECT_EQ(a100().multiprocessors(), 108u);
  EXPECT_EQ(rtx4090().multiprocessors(), 128u);
  EXPECT_EQ(rtx5090().multiprocessors(), 170u);
  EXPECT_EQ(t4().multiprocessors(), 40u);
}

TEST(Profiles, AnUnknownNameIsRefusedWithTheKnownOnes) {
  try {
    find_profile("h200");
    FAIL();
  } catch (const Error& e) {
    const std::string text = e.what();
    for (const Profile& p : profiles()) EXPECT_NE(text.find(p.key), std::string::npos) << text;
  }
}

TEST(Profiles, PropertiesAndAttributesAgree) {
  for (const Profile& p : profiles()) {
    cudaDeviceProp q;
    fill_properties(p, &q);
    EXPECT_EQ(std::string(q.name), std::string(p.name) + " profile, emulated");
    int value = 0;
    EXPECT_TRUE(attribute(p, cudaDevAttrMaxSharedMemoryPerBlockOptin, &value));
    EXPECT_EQ(value, static_cast<int>(q.sharedMemPerBlockOptin));
    EXPECT_TRUE(attribute(p, cudaDevAttrComputeCapabilityMajor, &value));
    EXPECT_EQ(value, p.target / 10);
    EXPECT_FALSE(attribute(p, 9999, &value));
  }
}

}  // namespace
}  // namespace ptxvm::device
