# One picture: a line for each row of $rows (place, label, recur, cuDNN, published; microseconds a step), which plot.cpp
# writes before this, with the number of rows, the heading, the name of ours and the file.
height = 140 + 17 * rows
if (picture[strlen(picture) - 3:] eq ".png") {
  set terminal pngcairo noenhanced size 1000, height
} else {
  set terminal svg noenhanced size 1000, height background rgb "white"
}
set output picture
set title heading
set key above left horizontal
set xlabel "microseconds a step, logarithmic"
set logscale x
set format x "%g"
set grid x ytics linecolor rgb "#dddddd"
set yrange [rows + 0.7 : 0.3]
set offsets graph 0, 0, 0, 0
set ytics nomirror
plot $rows using 3:1:ytic(2) with points pointtype 7 pointsize 0.9 linecolor rgb "#1b6ca8" title ours, \
  $rows using (has_cudnn ? $4 : NaN):1 with points pointtype 5 pointsize 0.7 linecolor rgb "#2e8b57" \
    title has_cudnn ? "cuDNN, its fastest algorithm, measured" : "", \
  $rows using (has_published ? $5 : NaN):1 with points pointtype 9 pointsize 0.9 linecolor rgb "#c0392b" \
    title has_published ? "published, the fastest" : ""
