// Code that cannot be used: registered as nvcc's start-up code would, and loaded as libraries.
#include <cstdint>
#include <cstring>
#include <deque>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include "fixture.hpp"

extern "C" {
void** __cudaRegisterFatBinary(void* wrapper);
void __cudaRegisterFatBinaryEnd(void** handle);
void __cudaRegisterFunction(void** handle, const char* host, char* device, const char* name, int threads,
                            uint3* tid, uint3* bid, dim3* block, dim3* grid, int* size);
void __cudaRegisterVar(void** handle, char* host, char* device, const char* name, int, std::size_t size, int,
                       int);
void __cudaRegisterManagedVar(void** handle, void** host, char* device, const char* name, int,
                              std::size_t size, int, int);
cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, std::size_t* shared, void* stream);
}

namespace {

std::string file(const std::string& name) {
  std::ifstream in(std::string(PTXVM_TEST_IMAGES) + "/" + name, std::ios::binary);
  std::ostringstream content;
  content << in.rdbuf();
  EXPECT_FALSE(content.str().empty()) << name;
  return content.str();
}

struct Wrapper {
  std::uint32_t magic = 0x466243b1, version = 1;
  const void* data = nullptr;
  void* others = nullptr;
};

class BadImage : public Runtime {
 protected:
  // What lives as long as the program: addresses that were registered stay known.
  template <class T>
  static T& kept(T value = {}) {
    static std::deque<T> all;
    return all.emplace_back(std::move(value));
  }
  // Launches a kernel of an image that is registered as a program's.
  static cudaError_t launch_from(const std::string& image, const char* kernel = "_Z5smallPi") {
    auto& bytes = kept(image);
    auto& wrapper = kept<Wrapper>();
    wrapper.data = bytes.data();
    return launch_from(&wrapper, kernel);
  }
  static cudaError_t launch_from(Wrapper* wrapper, const char* kernel) {
    char& stub = kept<char>();
    void** handle = __cudaRegisterFatBinary(wrapper);
    __cudaRegisterFunction(handle, &stub, &stub, kernel, -1, nullptr, nullptr, nullptr, nullptr, nullptr);
    __cudaRegisterFatBinaryEnd(handle);
    return launch(&stub);
  }
  static cudaError_t launch(const void* stub) {
    void* p = nullptr;
    void* arguments[] = {&p, &p, &p, &p};
    const cudaError_t error = cudaLaunchKernel(stub, dim3(1), dim3(1), arguments, 0, nullptr);
    EXPECT_EQ(cudaGetLastError(), error) << "and it is not sticky:";
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    return error;
  }
  static cudaError_t load(const void* data) {
    cudaLibrary_t library = nullptr;
    return cudaLibraryLoadData(&library, data, nullptr, nullptr, 0, nullptr, nullptr, 0);
  }
};

TEST_F(BadImage, TheWrapperIsNone) {
  Wrapper& wrapper = kept<Wrapper>();
  wrapper.magic = 1;
  EXPECT_EQ(launch_from(&wrapper, "k"), cudaErrorInvalidKernelImage);
  EXPECT_TRUE(reported("no fat binary")) << ptxvm_last_report();
  EXPECT_EQ(launch_from(nullptr, "k"), cudaErrorInvalidKernelImage);
}

TEST_F(BadImage, DamagedFatBinaries) {
  const std::string good = file("default.fatbin");
  std::string bad = good;
  bad[0] = 'x';
  EXPECT_EQ(launch_from(bad), cudaErrorInvalidKernelImage);
  EXPECT_TRUE(reported("magic")) << ptxvm_last_report();
  bad = good;
  bad[4] = 9;
  EXPECT_EQ(launch_from(bad), cudaErrorInvalidKernelImage);
  EXPECT_TRUE(reported("version 9")) << ptxvm_last_report();
  bad = good;
  bad[16 + 8 + 3] = 1;  // the first entry's size
  EXPECT_EQ(launch_from(bad), cudaErrorInvalidKernelImage);
  EXPECT_TRUE(reported("longer than the fat binary")) << ptxvm_last_report();
  bad = good;
  for (int i = 0; i < 16; i++) bad[16 + 80 + i] ^= 0x55;  // the zstd data of the first entry
  EXPECT_EQ(launch_from(bad), cudaErrorInvalidKernelImage);
  EXPECT_TRUE(reported("zstd")) << ptxvm_last_report();
  // Truncated: the header's length agrees, its last entry does not.
  bad = good.substr(0, good.size() - 100);
  const std::uint64_t content = bad.size() - 16;
  std::memcpy(&bad[8], &content, sizeof content);
  EXPECT_EQ(launch_from(bad), cudaErrorInvalidKernelImage);
}

TEST_F(BadImage, NothingForTheDevice) {
  std::string header(16, '\0');
  const std::uint32_t magic = 0xBA55ED50;
  const std::uint16_t version = 1, size = 16;
  std::memcpy(&header[0], &magic, 4);
  std::memcpy(&header[4], &version, 2);
  std::memcpy(&header[6], &size, 2);
  EXPECT_EQ(launch_from(header), cudaErrorNoKernelImageForDevice);
  EXPECT_TRUE(reported("holds: nothing")) << ptxvm_last_report();
  EXPECT_EQ(launch_from(file("machine.fatbin")), cudaErrorNoKernelImageForDevice);
  EXPECT_TRUE(reported("no PTX for sm_90; the fat binary holds: sm_90")) << ptxvm_last_report();
}

TEST_F(BadImage, KernelsAndVariablesThatAreNotThere) {
  EXPECT_EQ(launch_from(file("default.fatbin"), "_Z7missingv"), cudaErrorInvalidDeviceFunction);
  EXPECT_TRUE(reported("_Z7missingv")) << ptxvm_last_report();
  auto& bytes = kept(file("default.fatbin"));
  auto& wrapper = kept<Wrapper>();
  wrapper.data = bytes.data();
  char& host = kept<char>();
  __cudaRegisterVar(__cudaRegisterFatBinary(&wrapper), &host, &host, "nowhere", 0, 4, 0, 0);
  void* at = nullptr;
  EXPECT_EQ(cudaGetSymbolAddress(&at, &host), cudaErrorInvalidSymbol);
  EXPECT_TRUE(reported("no variable nowhere")) << ptxvm_last_report();
}

TEST_F(BadImage, ManagedVariablesAreRefusedByName) {
  auto& bytes = kept(file("default.fatbin"));
  auto& wrapper = kept<Wrapper>();
  wrapper.data = bytes.data();
  void** handle = __cudaRegisterFatBinary(&wrapper);
  char& stub = kept<char>();
  void*& pointer = kept<void*>();
  __cudaRegisterFunction(handle, &stub, &stub, "k", -1, nullptr, nullptr, nullptr, nullptr, nullptr);
  __cudaRegisterManagedVar(handle, &pointer, &stub, "board", 0, 4, 0, 0);
  EXPECT_EQ(launch(&stub), cudaErrorNotSupported);
  EXPECT_TRUE(reported("__managed__ variable board")) << ptxvm_last_report();
}

TEST_F(BadImage, TextThatIsNoPtx) {
  EXPECT_EQ(load(""), cudaErrorInvalidPtx);
  EXPECT_EQ(load("x"), cudaErrorInvalidPtx);
  EXPECT_EQ(load("hello, device"), cudaErrorInvalidPtx);
  EXPECT_EQ(load(".version 8.0\n.target sm_90\n.address_size 64\n.visible .entry k() { frobnicate; "),
            cudaErrorInvalidPtx);
  EXPECT_EQ(load(".version 99.9\n.target sm_90\n.address_size 64\n"), cudaErrorUnsupportedPtxVersion);
  EXPECT_TRUE(reported("99.9")) << ptxvm_last_report();
  EXPECT_EQ(load("\x7f"
                 "ELF, and more"),
            cudaErrorNoKernelImageForDevice);
  EXPECT_EQ(load(nullptr), cudaErrorInvalidValue);
  CUDA(cudaDeviceSynchronize());
}

TEST_F(BadImage, ACallWithoutAConfiguration) {
  dim3 grid, block;
  std::size_t shared = 0;
  cudaStream_t s = nullptr;
  EXPECT_EQ(__cudaPopCallConfiguration(&grid, &block, &shared, &s), cudaErrorMissingConfiguration);
}

// The kernels beside it run, and the device is none the worse.
TEST_F(BadImage, AKernelThatCannotBeDecodedIsRefusedAtItsLaunch) {
  cudaLibrary_t library = nullptr;
  CUDA(cudaLibraryLoadData(&library, R"(
.version 8.0
.target sm_70
.address_size 64
.func helper() { frobnicate.sync.u32; ret; }
.visible .entry good() { ret; }
.visible .entry bad() {
  .reg .u32 %r1;
  add.u32 %r1, %r1, 1;
  add.frob.u32 %r1, %r1, 1;
  ret;
}
.visible .entry caller() { call helper; ret; }
)", nullptr, nullptr, 0, nullptr, nullptr, 0));
  const auto kernel = [&](const char* name) {
    cudaKernel_t k = nullptr;
    CUDA(cudaLibraryGetKernel(&k, library, name));
    return reinterpret_cast<void*>(k);
  };
  EXPECT_EQ(launch(kernel("bad")), cudaErrorInvalidPtx);
  for (const char* part : {"bad, PTX line 10", "add.frob.u32"}) EXPECT_TRUE(reported(part)) << ptxvm_last_report();
  EXPECT_EQ(launch(kernel("caller")), cudaErrorInvalidPtx);
  for (const char* part : {"helper, PTX line 5", "frobnicate.sync.u32"}) EXPECT_TRUE(reported(part)) << ptxvm_last_report();
  EXPECT_EQ(launch(kernel("good")), cudaSuccess);

  cudaGraph_t graph = nullptr;
  CUDA(cudaGraphCreate(&graph, 0));
  cudaKernelNodeParams node{};
  node.func = kernel("bad");
  node.gridDim = node.blockDim = dim3(1);
  cudaGraphNode_t added = nullptr;
  EXPECT_EQ(cudaGraphAddKernelNode(&added, graph, nullptr, 0, &node), cudaErrorInvalidPtx);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidPtx);
  CUDA(cudaGraphDestroy(graph));
  EXPECT_EQ(launch(kernel("good")), cudaSuccess);
}

}  // namespace
