/// recur for C++17: owning handles and exceptions over recur.h, nothing else. @file
#pragma once

#include "recur/error.hpp"
#include "recur/layer.hpp"
#include "recur/linear.hpp"
#include "recur/memory.hpp"
#include "recur/optim.hpp"
#include "recur/sequence.hpp"
#include "recur/weights.hpp"
