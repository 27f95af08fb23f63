// Copies and fills of boxes, pitched memory, and copies "between" devices.
#include <cuda_runtime.h>

#include <vector>

#include "fixture.hpp"

namespace {

using BoxApi = Runtime;

// Bytes that tell where they are.
unsigned char byte_at(int x, int y, int z) { return static_cast<unsigned char>(x + 10 * y + 37 * z + 1); }

TEST_F(BoxApi, PitchedMemoryHasRowsOfTheSameAlignment) {
  void* d = nullptr;
  std::size_t pitch = 0;
  CUDA(cudaMallocPitch(&d, &pitch, 100, 7));
  EXPECT_GE(pitch, 100u);
  EXPECT_EQ(pitch % 512, 0u);
  CUDA(cudaMemset2D(d, pitch, 1, pitch, 7));
  EXPECT_EQ(cudaMemset2D(d, pitch, 1, pitch, 8), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMallocPitch(&d, &pitch, ~std::size_t{0} / 2, 8), cudaErrorMemoryAllocation);
  cudaPitchedPtr box{};
  EXPECT_EQ(cudaMalloc3D(&box, make_cudaExtent(1, ~std::size_t{0} / 2, 3)), cudaErrorMemoryAllocation);
}

TEST_F(BoxApi, ABoxGoesThereAndBackByEveryDoor) {
  constexpr int X = 5, Y = 4, Z = 3;
  cudaPitchedPtr d{};
  CUDA(cudaMalloc3D(&d, make_cudaExtent(X, Y, Z)));
  EXPECT_EQ(d.xsize, 5u);
  EXPECT_EQ(d.ysize, 4u);
  std::vector<unsigned char> in(X * Y * Z);
  for (int z = 0; z < Z; z++)
    for (int y = 0; y < Y; y++)
      for (int x = 0; x < X; x++) in[(z * Y + y) * X + x] = byte_at(x, y, z);
  cudaMemcpy3DParms there{};
  there.srcPtr = make_cudaPitchedPtr(in.data(), X, X, Y);
  there.dstPtr = d;
  there.extent = make_cudaExtent(X, Y, Z);
  there.kind = cudaMemcpyHostToDevice;
  CUDA(cudaMemcpy3D(&there));
  std::vector<unsigned char> all(in.size());
  cudaMemcpy3DParms back{};
  back.srcPtr = d;
  back.dstPtr = make_cudaPitchedPtr(all.data(), X, X, Y);
  back.extent = there.extent;
  back.kind = cudaMemcpyDeviceToHost;
  CUDA(cudaMemcpy3DAsync(&back, nullptr));
  CUDA(cudaDeviceSynchronize());
  EXPECT_EQ(all, in);
  // A part, from one position to another.
  std::vector<unsigned char> part(4 * 4 * 4, 0);
  back.srcPos = make_cudaPos(1, 2, 1);
  back.dstPos = make_cudaPos(2, 0, 3);
  back.dstPtr = make_cudaPitchedPtr(part.data(), 4, 4, 4);
  back.extent = make_cudaExtent(2, 2, 1);
  CUDA(cudaMemcpy3D(&back));
  for (int z = 0; z < 4; z++)
    for (int y = 0; y < 4; y++)
      for (int x = 0; x < 4; x++) {
        const bool inside = x >= 2 && y < 2 && z == 3;
        EXPECT_EQ(part[(z * 4 + y) * 4 + x], inside ? byte_at(x - 1, y + 2, 1) : 0) << x << y << z;
      }
  std::vector<unsigned char> peer(in.size());
  cudaMemcpy3DPeerParms same{};
  same.srcPtr = d;
  same.dstPtr = make_cudaPitchedPtr(peer.data(), X, X, Y);
  same.extent = make_cudaExtent(X, Y, Z);
  CUDA(cudaMemcpy3DPeer(&same));
  EXPECT_EQ(peer, in);
  same.srcDevice = 1;
  EXPECT_EQ(cudaMemcpy3DPeer(&same), cudaErrorInvalidDevice);
}

TEST_F(BoxApi, BoxesAreFilled) {
  cudaPitchedPtr d{};
  CUDA(cudaMalloc3D(&d, make_cudaExtent(6, 3, 2)));
  CUDA(cudaMemset3D(d, 0x11, make_cudaExtent(6, 3, 2)));
  CUDA(cudaMemset3DAsync(d, 0x22, make_cudaExtent(4, 2, 2), nullptr));
  std::vector<unsigned char> h(6 * 6);
  CUDA(cudaMemcpy2D(h.data(), 6, d.ptr, d.pitch, 6, 6, cudaMemcpyDeviceToHost));
  for (int row = 0; row < 6; row++)
    for (int x = 0; x < 6; x++)
      EXPECT_EQ(h[row * 6 + x], x < 4 && row % 3 < 2 ? 0x22 : 0x11) << x << " " << row;
  EXPECT_EQ(cudaMemset3D(d, 0, make_cudaExtent(d.pitch + 1, 1, 1)), cudaErrorInvalidPitchValue);
  EXPECT_EQ(cudaMemset3D(d, 0, make_cudaExtent(6, 4, 2)), cudaErrorInvalidValue)
      << "four rows, a layer has three";
  EXPECT_EQ(cudaMemset3D(d, 0, make_cudaExtent(6, 3, 3)), cudaErrorInvalidValue) << "a layer too many";
}

TEST_F(BoxApi, WhatACopyCannotBeIsRefused) {
  cudaPitchedPtr d{};
  CUDA(cudaMalloc3D(&d, make_cudaExtent(8, 4, 4)));
  std::vector<unsigned char> h(8 * 4 * 4);
  cudaMemcpy3DParms p{};
  p.srcPtr = make_cudaPitchedPtr(h.data(), 8, 8, 4);
  p.dstPtr = d;
  p.extent = make_cudaExtent(8, 4, 4);
  p.kind = cudaMemcpyDeviceToHost;
  EXPECT_EQ(cudaMemcpy3D(&p), cudaErrorInvalidValue) << "the wrong direction";
  p.kind = cudaMemcpyHostToDevice;
  p.extent.depth = 5;
  EXPECT_EQ(cudaMemcpy3D(&p), cudaErrorInvalidValue);
  EXPECT_TRUE(reported("past its end")) << ptxvm_last_report();
  p.extent.depth = 4;
  p.srcPtr.pitch = 7;
  EXPECT_EQ(cudaMemcpy3D(&p), cudaErrorInvalidPitchValue);
  p.srcPtr.pitch = 8;
  p.srcArray = reinterpret_cast<cudaArray_t>(&p);
  EXPECT_EQ(cudaMemcpy3D(&p), cudaErrorNotSupported);
  EXPECT_TRUE(reported("arrays are not emulated")) << ptxvm_last_report();
  EXPECT_EQ(cudaMemcpy3D(nullptr), cudaErrorInvalidValue);
  p = {};
  EXPECT_EQ(cudaMemcpy3D(&p), cudaSuccess) << "nothing to copy";
}

TEST_F(BoxApi, SizesBeyondAllNumbersDoNotWrapAround) {
  void* d = device(64);
  std::vector<char> h(64);
  constexpr std::size_t huge = ~std::size_t{0};
  EXPECT_EQ(cudaMemcpy(h.data(), d, huge, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy2D(h.data(), 8, d, huge / 2 + 1, 8, 3, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemset2D(d, huge / 2 + 1, 0, 8, 3), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemset(d, 0, huge), cudaErrorInvalidValue);
}

TEST_F(BoxApi, BetweenTheDeviceAndItself) {
  int h[2] = {3, 4}, back[2] = {};
  void *a = device(8), *b = device(8);
  CUDA(cudaMemcpy(a, h, 8, cudaMemcpyHostToDevice));
  CUDA(cudaMemcpyPeer(b, 0, a, 0, 8));
  CUDA(cudaMemcpyPeerAsync(a, 0, b, 0, 8, nullptr));
  CUDA(cudaMemcpy(back, a, 8, cudaMemcpyDefault));
  EXPECT_EQ(back[1], 4);
  EXPECT_EQ(cudaMemcpyPeer(b, 1, a, 0, 8), cudaErrorInvalidDevice);
}

}  // namespace
