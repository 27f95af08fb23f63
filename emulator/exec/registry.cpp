#include "exec/registry.hpp"

#include <cstdlib>
#include <string>
#include <unordered_map>

namespace ptxvm::exec {

namespace v1 { void list_all(const Sink& sink); }
namespace v3 { void list_all(const Sink& sink); }
namespace v4 { void list_all(const Sink& sink); }

namespace {

struct Registry {
  std::unordered_map<std::string, Op> ops;
  const char* unit;

  Registry() {
    Sink sink{this, [](void* self, const char* name, Handler full, Handler masked, Signature signature) {
                static_cast<Registry*>(self)->ops[name] = Op{full, masked, signature};
              }};
    __builtin_cpu_init();
    const bool v3_cpu = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    const bool v4_cpu = v3_cpu && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    // A narrower unit can be asked for, so that each can be tested where the widest is there.
    const char* asked = std::getenv("PTXVM_VECTOR_UNIT");
    const std::string most = asked ? asked : "v4";
    if (v4_cpu && most == "v4") {
      v4::list_all(sink);
      unit = "x86-64-v4";
    } else if (v3_cpu && most != "v1") {
      v3::list_all(sink);
      unit = "x86-64-v3";
    } else {
      v1::list_all(sink);
      unit = "x86-64";
    }
  }
};

const Registry& registry() {
  static const Registry& r = *new Registry;  // outlives every launch
  return r;
}

}  // namespace

const Op* find_op(std::string_view name) {
  const auto& ops = registry().ops;
  auto found = ops.find(std::string(name));
  return found == ops.end() ? nullptr : &found->second;
}

const char* vector_unit() { return registry().unit; }

}  // namespace ptxvm::exec
