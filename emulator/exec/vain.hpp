// Whether lanes that mbarrier.try_wait has suspended wait in vain. The ISA lets them go on when their time is up, so
// they may have something else to do: count their tries and give up, or look at memory. That they will not is proved: woken
// again and again, they come back to a state in which they have been before, and on the way have done nothing that
// reaches beyond their registers and local memory or depends on anything else (Traits::repeats). Then they will do so
// for ever, unless somebody else changes what they look at.
#pragma once

#include <cstdint>
#include <vector>

namespace ptxvm::exec {

struct Block;

enum class Standstill : std::uint8_t {
  Proved,
  Open,    // nothing has happened, but it is not proved that nothing will
  Refuted  // somebody did something
};

class Vain {
 public:
  // Ends every suspension in a block none of whose lanes can go on, and lets them run until they wait again. What was
  // asked before counts for the proof while the number is the same: of what others have done to what the block sees.
  Standstill ask(Block& block, std::uint64_t events);
  void forget() { asked_ = 0; }

 private:
  bool run(Block& block);
  static void save(const Block& block, std::vector<char>* state);
  // The state in which the search for a repetition began, now and then a later one (Brent's way to find cycles).
  std::vector<char> earlier_, now_;
  std::vector<std::uint64_t> executed_;
  std::uint64_t events_ = 0;
  std::uint32_t asked_ = 0, next_ = 1;
};

}  // namespace ptxvm::exec
