// The CUDA runtime's header against what is there: every function is a symbol, and what is left out says so.
#include <cuda_profiler_api.h>
#include <nvtx3/nvToolsExt.h>

#include <cctype>
#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include "fixture.hpp"

namespace {

std::set<std::string> symbols() {
  FILE* out =
      popen((std::string(PTXVM_NM) + " -g --defined-only " + PTXVM_ARCHIVE + " 2>/dev/null").c_str(), "r");
  std::set<std::string> names;
  char line[8192];
  while (std::fgets(line, sizeof line, out) != nullptr) {
    std::istringstream words(line);
    std::string address, kind, name;
    if (words >> address >> kind >> name) names.insert(name);
  }
  pclose(out);
  return names;
}

std::string read(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

// What follows each occurrence of the words: after blanks, an identifier that begins with "cuda".
std::vector<std::string> names_after(const std::string& text, const std::string& words) {
  std::vector<std::string> names;
  for (std::size_t at = 0; (at = text.find(words, at)) != text.npos;) {
    at += words.size();
    const std::size_t begin = text.find_first_not_of(" \t\n", at);
    std::size_t end = begin;
    while (end < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_'))
      end++;
    if (begin != text.npos && text.compare(begin, 4, "cuda") == 0)
      names.push_back(text.substr(begin, end - begin));
  }
  return names;
}

TEST(Api, EveryFunctionOfTheHeaderIsASymbol) {
  const std::set<std::string> have = symbols();
  const std::string text = read(PTXVM_RUNTIME_HEADER);
  const std::vector<std::string> functions = names_after(text, "CUDARTAPI");
  for (const std::string& name : functions) EXPECT_TRUE(have.count(name) != 0) << name;
  EXPECT_GT(functions.size(), 250u);
  // Those of per-thread default streams, as the header renames them.
  std::size_t variants = 0;
  for (const auto& [macro, suffix] :
       {std::pair("__CUDART_API_PTDS(", "_ptds"), {"__CUDART_API_PTSZ(", "_ptsz"}}) {
    for (const std::string& name : names_after(text, macro)) {
      EXPECT_TRUE(have.count(name + suffix) != 0) << name << suffix;
      variants++;
    }
  }
  EXPECT_GT(variants, 60u);
}

class ApiLeftOut : public Runtime {
 protected:
  void refused(cudaError_t error, const char* name) {
    EXPECT_EQ(error, cudaErrorNotSupported) << name;
    EXPECT_TRUE(reported(name) && reported("not emulated")) << name << ": " << ptxvm_last_report();
    EXPECT_EQ(cudaGetLastError(), cudaErrorNotSupported);
  }
};

TEST_F(ApiLeftOut, SaysSoByName) {
  void* p = nullptr;
  cudaArray_t array = nullptr;
  cudaTextureObject_t texture = 0;
  cudaSurfaceObject_t surface = 0;
  cudaIpcMemHandle_t ipc;
  cudaExternalMemory_t external = nullptr;
  cudaGraphNode_t node = nullptr;
  cudaGraphConditionalHandle condition = 0;
  cudaMemLocation location{};
  const cudaChannelFormatDesc format = cudaCreateChannelDesc(32, 0, 0, 0, cudaChannelFormatKindFloat);
  EXPECT_EQ(format.x, 32);
  refused(cudaMallocManaged(&p, 4, cudaMemAttachGlobal), "cudaMallocManaged");
  refused(cudaStreamAttachMemAsync(nullptr, p, 0, cudaMemAttachSingle), "cudaStreamAttachMemAsync");
  refused(cudaMemPrefetchAsync(p, 4, location, 0, nullptr), "cudaMemPrefetchAsync");
  refused(cudaMemAdvise(p, 4, cudaMemAdviseSetReadMostly, location), "cudaMemAdvise");
  refused(cudaMallocArray(&array, &format, 4, 4, 0), "cudaMallocArray");
  refused(cudaCreateTextureObject(&texture, nullptr, nullptr, nullptr), "cudaCreateTextureObject");
  refused(cudaCreateSurfaceObject(&surface, nullptr), "cudaCreateSurfaceObject");
  refused(cudaMemcpy2DToArray(array, 0, 0, p, 4, 4, 1, cudaMemcpyHostToDevice), "cudaMemcpy2DToArray");
  refused(cudaMemcpyBatchAsync(nullptr, nullptr, nullptr, 0, nullptr, nullptr, 0, nullptr),
          "cudaMemcpyBatchAsync");
  refused(cudaIpcGetMemHandle(&ipc, p), "cudaIpcGetMemHandle");
  refused(cudaImportExternalMemory(&external, nullptr), "cudaImportExternalMemory");
  refused(cudaGraphAddMemAllocNode(&node, nullptr, nullptr, 0, nullptr), "cudaGraphAddMemAllocNode");
  refused(cudaGraphExecKernelNodeSetParams(nullptr, nullptr, nullptr), "cudaGraphExecKernelNodeSetParams");
  refused(cudaGraphConditionalHandleCreate(&condition, nullptr, 0, 0), "cudaGraphConditionalHandleCreate");
  refused(cudaGraphicsMapResources(0, nullptr, nullptr), "cudaGraphicsMapResources");
}

using Device = Runtime;

TEST_F(Device, EveryAttributeOfTheHeaderIsTold) {
  const std::string header = PTXVM_RUNTIME_HEADER;
  const std::string text = read(header.substr(0, header.rfind('/')) + "/driver_types.h"),
                    prefix = "cudaDevAttr";
  int told = 0;
  for (std::size_t at = 0; (at = text.find(prefix, at)) != text.npos; at += prefix.size()) {
    char name[128] = {};
    int key = 0, value = -12345;
    if (std::sscanf(text.c_str() + at, "%127[A-Za-z0-9] = %d", name, &key) != 2) continue;
    const std::string rest = name + prefix.size();
    if (rest == "Max" ||
        (rest.rfind("Reserved", 0) == 0 && std::isdigit(static_cast<unsigned char>(rest[8])) != 0))
      continue;  // no attributes
    EXPECT_EQ(cudaDeviceGetAttribute(&value, static_cast<cudaDeviceAttr>(key), 0), cudaSuccess) << name;
    EXPECT_NE(value, -12345) << name;
    told++;
  }
  EXPECT_GT(told, 100);
}

TEST_F(Device, LimitsOfWhatIsNotThereAreRefused) {
  std::size_t value = 0;
  CUDA(cudaDeviceSetLimit(cudaLimitStackSize, 4096));
  CUDA(cudaDeviceGetLimit(&value, cudaLimitStackSize));
  EXPECT_EQ(value, 4096u);
  CUDA(cudaDeviceSetLimit(cudaLimitMaxL2FetchGranularity, 128));
  EXPECT_EQ(cudaDeviceSetLimit(cudaLimitMaxL2FetchGranularity, 129), cudaErrorInvalidValue);
  CUDA(cudaDeviceGetLimit(&value, cudaLimitMallocHeapSize));
  EXPECT_EQ(value, 8u << 20);
  EXPECT_EQ(cudaDeviceGetLimit(&value, cudaLimitPersistingL2CacheSize), cudaErrorUnsupportedLimit);
  EXPECT_TRUE(reported("lines that stay in the L2 cache")) << ptxvm_last_report();
  EXPECT_EQ(cudaDeviceSetLimit(static_cast<cudaLimit>(99), 1), cudaErrorUnsupportedLimit);
}

TEST_F(Device, ThereIsOne) {
  int value = -1;
  char id[32] = {};
  cudaDeviceProp p;
  CUDA(cudaGetDeviceProperties(&p, 0));
  EXPECT_EQ(cudaGetDeviceProperties(&p, 1), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaSetDevice(-1), cudaErrorInvalidDevice);
  CUDA(cudaDeviceCanAccessPeer(&value, 0, 0));
  EXPECT_EQ(value, 0);
  EXPECT_EQ(cudaDeviceCanAccessPeer(&value, 0, 1), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaDeviceEnablePeerAccess(1, 0), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaDeviceDisablePeerAccess(0), cudaErrorPeerAccessNotEnabled);
  CUDA(cudaChooseDevice(&value, &p));
  EXPECT_EQ(value, 0);
  CUDA(cudaDeviceGetPCIBusId(id, sizeof id, 0));
  CUDA(cudaDeviceGetByPCIBusId(&value, id));
  EXPECT_EQ(value, 0);
  EXPECT_EQ(cudaDeviceGetByPCIBusId(&value, "0000:01:00.0"), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaDeviceGetByPCIBusId(&value, "nowhere"), cudaErrorInvalidValue);
  int devices[] = {0, 1};
  CUDA(cudaSetValidDevices(devices, 1));
  EXPECT_EQ(cudaSetValidDevices(devices, 2), cudaErrorInvalidDevice);
}

TEST_F(Device, FlagsAndHintsAreKept) {
  unsigned flags = 0;
  CUDA(cudaSetDeviceFlags(cudaDeviceScheduleBlockingSync));
  CUDA(cudaGetDeviceFlags(&flags));
  EXPECT_EQ(flags & cudaDeviceScheduleMask, cudaDeviceScheduleBlockingSync + 0u);
  EXPECT_NE(flags & cudaDeviceMapHost, 0u);
  EXPECT_EQ(cudaSetDeviceFlags(3), cudaErrorInvalidValue);
  EXPECT_EQ(cudaInitDevice(0, 3, cudaInitDeviceFlagsAreValid), cudaErrorInvalidValue);
  CUDA(cudaInitDevice(0, cudaDeviceScheduleAuto, cudaInitDeviceFlagsAreValid));
  cudaFuncCache cache;
  CUDA(cudaDeviceSetCacheConfig(cudaFuncCachePreferL1));
  CUDA(cudaDeviceGetCacheConfig(&cache));
  EXPECT_EQ(cache, cudaFuncCachePreferL1);
  CUDA(cudaProfilerStart());
  CUDA(cudaProfilerStop());
  nvtxRangePushA("a range");  // nvtx is a header alone: nobody listens
  nvtxRangePop();
}

TEST_F(Device, HostMemoryTellsItsFlags) {
  void* p = nullptr;
  unsigned flags = 0;
  CUDA(cudaHostAlloc(&p, 64, cudaHostAllocPortable | cudaHostAllocWriteCombined));
  CUDA(cudaHostGetFlags(&flags, p));
  EXPECT_EQ(flags, cudaHostAllocPortable | cudaHostAllocWriteCombined | cudaHostAllocMapped);
  EXPECT_EQ(cudaHostAlloc(&p, 64, 128), cudaErrorInvalidValue);
  int local = 0;
  EXPECT_EQ(cudaHostGetFlags(&flags, &local), cudaErrorInvalidValue);
  CUDA(cudaHostRegister(&local, 4, cudaHostRegisterMapped));
  CUDA(cudaHostGetFlags(&flags, &local));
  CUDA(cudaHostUnregister(&local));
}

TEST_F(Device, PoolsOfTheDevice) {
  cudaMemPool_t pool = nullptr, same = nullptr;
  cudaMemLocation here{};
  here.type = cudaMemLocationTypeDevice;
  CUDA(cudaDeviceGetDefaultMemPool(&pool, 0));
  CUDA(cudaMemGetDefaultMemPool(&same, &here, cudaMemAllocationTypePinned));
  EXPECT_EQ(pool, same);
  cudaMemAccessFlags access;
  CUDA(cudaMemPoolGetAccess(&access, pool, &here));
  EXPECT_EQ(access, cudaMemAccessFlagsProtReadWrite);
  cudaMemAccessDesc wanted{here, cudaMemAccessFlagsProtReadWrite};
  CUDA(cudaMemPoolSetAccess(pool, &wanted, 1));
  wanted.flags = cudaMemAccessFlagsProtNone;
  EXPECT_EQ(cudaMemPoolSetAccess(pool, &wanted, 1), cudaErrorInvalidValue);
  wanted.location.id = 1;
  EXPECT_EQ(cudaMemPoolSetAccess(pool, &wanted, 1), cudaErrorInvalidDevice);
  CUDA(cudaMemPoolTrimTo(pool, 0));
  here.type = cudaMemLocationTypeHost;
  EXPECT_EQ(cudaMemGetMemPool(&same, &here, cudaMemAllocationTypePinned), cudaErrorNotSupported);
}

// What libraries ask before they use the driver: they go without.
TEST_F(Device, TheDriverHasNoEntryPoints) {
  void* function = this;
  cudaDriverEntryPointQueryResult result;
  CUDA(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, 12000, cudaEnableDefault,
                                        &result));
  EXPECT_EQ(result, cudaDriverEntryPointSymbolNotFound);
  EXPECT_EQ(function, nullptr);
  EXPECT_EQ(cudaGetDriverEntryPointByVersion("cuInit", &function, 12000, cudaEnableDefault, nullptr),
            cudaErrorSymbolNotFound);
}

}  // namespace
