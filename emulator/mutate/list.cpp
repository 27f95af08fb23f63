// What can be taken away: fences and barriers whole, orders by one step, scopes by one step.
#include <algorithm>

#include "mutate/mutation.hpp"

namespace ptxvm::mutate {
namespace {

using Opcode = std::vector<std::string>;

std::string dotted(const Opcode& opcode) {
  std::string s;
  for (const std::string& part : opcode) s += (s.empty() ? "" : ".") + part;
  return s;
}

bool has(const Opcode& opcode, const char* word) { return std::find(opcode.begin(), opcode.end(), word) != opcode.end(); }

class Lister {
 public:
  explicit Lister(const ptx::Module& module) : module_(module) {}

  std::vector<Mutation> run() {
    for (function_ = 0; function_ < module_.functions.size(); ++function_) {
      const ptx::Function& f = module_.functions[function_];
      for (place_ = 0; place_ < f.body.size(); ++place_) instruction(f.body[place_].opcode);
    }
    return std::move(found_);
  }

 private:
  void add(Mutation::Action action, const std::string& text, Opcode opcode = {}) {
    Mutation m;
    m.action = action;
    m.function = function_;
    m.places = {place_};
    m.opcode = std::move(opcode);
    m.text = text;
    found_.push_back(std::move(m));
  }
  void remove(const Opcode& o) { add(Mutation::Action::Remove, dotted(o) + " removed"); }
  void rename(const Opcode& from, Opcode to) {
    const std::string text = dotted(from) + " -> " + dotted(to);
    add(Mutation::Action::Rename, text, std::move(to));
  }

  void instruction(const Opcode& o) {
    const std::string& base = o[0];
    if (base == "fence" || base == "membar") {
      remove(o);
      if (has(o, "proxy") || has(o, "mbarrier_init")) return;
      orders(o);
      narrow(o);
    } else if (base == "bar" || base == "barrier") {
      barrier(o);
    } else if (base == "mbarrier") {
      if (has(o, "test_wait") || has(o, "try_wait"))
        add(Mutation::Action::Pass, dotted(o) + " passes at once");
      else if (o.size() < 2 || (o[1] != "arrive" && o[1] != "arrive_drop") || has(o, "noComplete"))
        return;
      phase_order(o);
      narrow(o);
    } else if (base == "cp") {
      if (has(o, "wait_group") || has(o, "wait_all")) remove(o);
    } else if (base == "griddepcontrol") {
      if (has(o, "wait")) remove(o);
    } else if (base == "ld" || base == "st" || base == "atom" || base == "red") {
      if (has(o, "async")) return;  // its order and scope are part of its definition
      orders(o);
      narrow(o);
    }
  }

  void barrier(const Opcode& o) {
    if (has(o, "red")) {
      add(Mutation::Action::OwnAnswer, dotted(o) + " removed");
      return;
    }
    remove(o);
    if (o.size() < 3 || o[1] != "cluster" || o[2] != "arrive") return;
    if (!has(o, "relaxed")) {
      Opcode to = o;
      const auto release = std::find(to.begin(), to.end(), "release");
      if (release != to.end()) *release = "relaxed";
      else to.insert(to.begin() + 3, "relaxed");
      rename(o, std::move(to));
    }
    // The arrival and the wait that follows it, as one.
    const std::vector<ptx::Instruction>& body = module_.functions[function_].body;
    for (std::size_t k = place_ + 1; k < body.size(); ++k) {
      const Opcode& other = body[k].opcode;
      if (other.size() < 3 || other[0] != "barrier" || other[1] != "cluster" || other[2] != "wait") continue;
      add(Mutation::Action::Remove, dotted(o) + " and " + dotted(other) + " removed");
      found_.back().places.push_back(k);
      return;
    }
  }

  // membar is fence.sc in an older spelling that has no weaker order: removing it is all that can be done.
  void orders(const Opcode& o) {
    for (std::size_t k = 1; k < o.size(); ++k) {
      std::vector<const char*> weaker;
      if (o[k] == "sc" && o[0] == "fence") weaker = {"acq_rel"};
      else if (o[0] == "fence") continue;
      else if (o[k] == "acquire" || o[k] == "release") weaker = {"relaxed"};
      else if (o[k] == "acq_rel") weaker = {"acquire", "release", "relaxed"};
      for (const char* order : weaker) {
        Opcode to = o;
        to[k] = order;
        rename(o, std::move(to));
      }
    }
  }

  // Arrivals release and waits acquire unless they say otherwise.
  void phase_order(const Opcode& o) {
    if (has(o, "relaxed")) return;
    Opcode to = o;
    for (std::string& word : to)
      if (word == "acquire" || word == "release") word = "relaxed";
    if (to == o) {
      const std::size_t at = o.size() > 2 && o[2] == "expect_tx" ? 3 : 2;
      to.insert(to.begin() + std::ptrdiff_t(at), {"relaxed", "cta"});
    }
    rename(o, std::move(to));
  }

  void narrow(const Opcode& o) {
    // Shared memory is one block's; in the cluster's form of it, one cluster's.
    if (has(o, "shared") || has(o, "shared::cta")) {
      if (o[0] != "mbarrier") return;
    }
    const bool clusters = module_.target >= 90, cluster_memory = has(o, "shared::cluster");
    const char* below_device = !clusters || cluster_memory ? "cta" : "cluster";
    for (std::size_t k = 1; k < o.size(); ++k) {
      std::string to;
      if (o[k] == "sys") to = o[0] == "membar" ? "gl" : cluster_memory ? "cta" : "gpu";
      else if (o[k] == "gl") to = "cta";
      else if (o[k] == "gpu") to = below_device;
      else if (o[k] == "cluster") to = "cta";
      else if (o[k] == "cta") return;
      if (to.empty()) continue;
      Opcode narrower = o;
      narrower[k] = to;
      rename(o, std::move(narrower));
      return;
    }
    // Atomics that name no scope have the device's.
    if (o[0] != "atom" && o[0] != "red") return;
    Opcode narrower = o;
    const bool ordered = o.size() > 1 && (o[1] == "relaxed" || o[1] == "acquire" || o[1] == "release" || o[1] == "acq_rel");
    narrower.insert(narrower.begin() + (ordered ? 2 : 1), below_device);
    rename(o, std::move(narrower));
  }

  const ptx::Module& module_;
  std::size_t function_ = 0, place_ = 0;
  std::vector<Mutation> found_;
};

}  // namespace

std::vector<Mutation> list(const ptx::Module& module) { return Lister(module).run(); }

}  // namespace ptxvm::mutate
