#include "exec/registry.hpp"

#include <cstdlib>
#include <string>
#include <unordered_map>

#include "support/environment.hpp"
#include "support/error.hpp"

namespace ptxvm::exec {

namespace v1 { void list_all(const Sink& sink); }
namespace v3 { void list_all(const Sink& sink); }
namespace v4 { void list_all(const Sink& sink); }

namespace {

struct Unit {
  const char *key, *name;
  void (*list)(const Sink& sink);
};

// Those that this library was built with (PTXVM_VECTOR_UNITS), the widest first.
constexpr Unit kUnits[] = {
#ifdef PTXVM_HAS_v4
    {"v4", "x86-64-v4", &v4::list_all},
#endif
#ifdef PTXVM_HAS_v3
    {"v3", "x86-64-v3", &v3::list_all},
#endif
#ifdef PTXVM_HAS_v1
    {"v1", "x86-64", &v1::list_all},
#endif
};

bool cpu_has(const std::string& unit) {
  __builtin_cpu_init();
  if (unit == "v1") return true;
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  return v3 && (unit == "v3" || (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                 __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")));
}

struct Registry {
  std::unordered_map<std::string, Op> ops;
  const char* unit;

  Registry() {
    Sink sink{this, [](void* self, const char* name, Handler full, Handler masked, Signature signature) {
                static_cast<Registry*>(self)->ops[name] = Op{full, masked, signature};
              }};
    // A narrower unit can be asked for, so that each can be tested where the widest is there.
    const std::string most = environment_word("PTXVM_VECTOR_UNIT", "v4");
    const Unit* chosen = nullptr;
    for (const Unit& u : kUnits)
      if (cpu_has(u.key) && (!chosen || most < chosen->key)) chosen = &u;
    if (!chosen) throw Error(Status::NotSupported, "this CPU has none of the vector units that ptxvm was built for");
    chosen->list(sink);
    unit = chosen->name;
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
