// The picture of a run: for each row its time a step, beside what cuDNN took and what is published.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace recur::bench {

// What gnuplot is given: the data, the settings and the script of plot.gp. Throws std::runtime_error where
// the JSON is not of recur-bench, or has no row with a time.
std::string gnuplot_input(const nlohmann::json& results, const std::string& picture);

// Reads the file and runs gnuplot. Throws UsageError for a file or a machine that it cannot work with.
void plot(const std::string& json_file, const std::string& picture);

}  // namespace recur::bench
