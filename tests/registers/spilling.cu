// A kernel that must spill: 128 live values where launch bounds leave 64 registers. The test of the table finds it.
extern "C" __global__ void __launch_bounds__(1024) spilling(float* p, int n) {
  float v[128];
#pragma unroll
  for (int i = 0; i < 128; ++i) v[i] = p[i * 1024 + threadIdx.x];
#pragma unroll 1
  for (int k = 0; k < n; ++k) {
#pragma unroll
    for (int i = 0; i < 128; ++i) v[i] = v[(i * 7 + 3) % 128] * v[i] + 1;
  }
#pragma unroll
  for (int i = 0; i < 128; ++i) p[i * 1024 + threadIdx.x] = v[i];
}
extern "C" __global__ void modest(float* p) { p[threadIdx.x] += 1; }
