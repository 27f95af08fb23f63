#pragma once

#include "recur/sweep.hpp"

extern const recur_custom_cell update_gate;
