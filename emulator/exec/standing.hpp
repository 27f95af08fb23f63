// Where blocks stand: for the reports of a kernel that does not end.
#pragma once

#include <string>
#include <vector>

#include "exec/warp.hpp"

namespace ptxvm::exec {

// One line for all blocks that stand alike: how many, which is the first, and where each of its warps is.
std::string where_blocks_stand(const std::vector<Block*>& blocks);

// What lanes that mbarrier.try_wait has suspended wait for.
std::string describe_suspended(Warp& w, const Group& g);

}  // namespace ptxvm::exec
