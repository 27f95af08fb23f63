// Small enough for every truncation of its images to be tried.
extern "C" __global__ void scale(float* x, float a) { x[threadIdx.x] *= a; }
