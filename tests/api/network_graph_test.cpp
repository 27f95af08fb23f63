// Calls recorded as graphs, and learned initial states: what is refused, by name and without a trace.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/network_problem.hpp"
#include "tests/support/network_run.hpp"

namespace recur::test {
namespace {

const recur_layer_graph* const kNone = nullptr;

void expect_refused(recur_status status, recur_status expected, const std::string& named) {
  EXPECT_EQ(status, expected) << recur_last_error();
  EXPECT_NE(std::string(recur_last_error()).find(named), std::string::npos) << recur_last_error();
}

TEST(NetworkGraphErrors, WhatIsNull) {
  const NetworkProblem p(read_network_case("gru 3 2 4 5"));
  NetworkRun run(p);
  const recur_layer_forward_args f = run.forward_args(true);
  const recur_layer_backward_args b = run.backward_args();
  int other = 0;
  recur_layer_graph* graph = reinterpret_cast<recur_layer_graph*>(&other);
  expect_refused(recur_layer_capture_forward(nullptr, &f, &graph), RECUR_INVALID_ARGUMENT, "plan");
  EXPECT_EQ(graph, kNone);
  expect_refused(recur_layer_capture_forward(run.plan(), nullptr, &graph), RECUR_INVALID_ARGUMENT, "args");
  expect_refused(recur_layer_capture_forward(run.plan(), &f, nullptr), RECUR_INVALID_ARGUMENT, "graph");
  expect_refused(recur_layer_capture_backward(nullptr, &b, &graph), RECUR_INVALID_ARGUMENT, "plan");
  expect_refused(recur_layer_capture_backward(run.plan(), nullptr, &graph), RECUR_INVALID_ARGUMENT, "args");
  expect_refused(recur_layer_capture_backward(run.plan(), &b, nullptr), RECUR_INVALID_ARGUMENT, "graph");
  expect_refused(recur_layer_graph_launch(nullptr, nullptr), RECUR_INVALID_ARGUMENT, "graph");
  recur_layer_graph_destroy(nullptr);
  EXPECT_EQ(run.damage(), "");
}

// What the call itself would refuse is refused when it is recorded; recording leaves the buffers alone.
TEST(NetworkGraphErrors, ArgumentsAreCheckedWhenRecorded) {
  const NetworkProblem p(read_network_case("lstm 3 2 4 5 L2"));
  NetworkRun run(p);
  recur_layer_graph* graph = nullptr;
  recur_layer_forward_args f = run.forward_args(true);
  f.workspace_size = 0;
  expect_refused(recur_layer_capture_forward(run.plan(), &f, &graph), RECUR_BUFFER_TOO_SMALL, "workspace_size");
  f = run.forward_args(true);
  f.y = const_cast<void*>(f.x);
  expect_refused(recur_layer_capture_forward(run.plan(), &f, &graph), RECUR_INVALID_ARGUMENT, "overlaps");
  recur_layer_backward_args b = run.backward_args();
  b.y = nullptr;
  expect_refused(recur_layer_capture_backward(run.plan(), &b, &graph), RECUR_INVALID_ARGUMENT, "y is NULL");
  EXPECT_EQ(graph, kNone);

  const Bytes before = run.bytes("y");
  f = run.forward_args(true);
  check_recur(recur_layer_capture_forward(run.plan(), &f, &graph), "recur_layer_capture_forward");
  EXPECT_EQ(run.bytes("y"), before) << "recording ran the call";
  check_recur(recur_layer_graph_launch(graph, nullptr), "recur_layer_graph_launch");
  EXPECT_NE(run.bytes("y"), before);
  recur_layer_graph_destroy(graph);
  EXPECT_EQ(run.damage(), "");
}

// One row for the batch is not a row for each: neither may lie where the other does.
TEST(LearnedStateErrors, LieOverNothing) {
  const NetworkProblem p(read_network_case("lstm 3 2 4 5 learned"));
  NetworkRun run(p);
  recur_layer_forward_args f = run.forward_args(true);
  f.hT = const_cast<void*>(f.h0);
  expect_refused(recur_layer_forward(run.plan(), &f), RECUR_INVALID_ARGUMENT, "hT overlaps h0");
  f = run.forward_args(true);
  f.cT = const_cast<float*>(f.c0);
  expect_refused(recur_layer_forward(run.plan(), &f), RECUR_INVALID_ARGUMENT, "cT overlaps c0");
  recur_layer_backward_args b = run.backward_args();
  b.dh0 = const_cast<float*>(b.dhT);
  expect_refused(recur_layer_backward(run.plan(), &b), RECUR_INVALID_ARGUMENT, "dh0 overlaps dhT");
  b = run.backward_args();
  b.dc0 = const_cast<float*>(b.dcT);
  expect_refused(recur_layer_backward(run.plan(), &b), RECUR_INVALID_ARGUMENT, "dc0 overlaps dcT");
  EXPECT_EQ(run.damage(), "");
}

}  // namespace
}  // namespace recur::test
