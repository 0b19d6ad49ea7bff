/*
 * A spiking network in integers, one timestep at a time. Emitted by snncc; manifest.json holds the names of the
 * populations (p<k>), connections (c<k>), inputs and outputs, which have numbers here.
 *
 *     static snncc_net net;
 *     snncc_init(&net);
 *     for (;;) {
 *         snncc_input(&net, input, neuron, level);   for every level that arrives in the coming step
 *         if (snncc_step(&net)) { ... }              a value left its width: the network has stopped
 *         if (snncc_output_ready(&net, output)) { ... snncc_output(&net, output, element) ... }
 *     }
 *
 * Sample k of a tensor input belongs into step SNNCC_INPUT_STARTS + k * SNNCC_INTERVAL, all its levels that are not 0.
 * Output o is ready after step SNNCC_OUTPUT_STARTS + k * SNNCC_INTERVAL; then it is that of sample k. Several samples
 * are under way at once. Neurons are numbered as in the network's tensors: channels first, row-major, from 0.
 *
 * No heap, no floating point, no recursion, no global state: several networks may run side by side.
 */
#ifndef SNNCC_NET_H
#define SNNCC_NET_H

#include <stddef.h>
#include <stdint.h>

@defines@

/* The whole state of a network; read it through the functions below. */
typedef struct snncc_net {
@fields@
} snncc_net;

/* Put every neuron and every spike under way to where they are before step 0; the same thing under two names. */
void snncc_init(snncc_net *net);
void snncc_reset(snncc_net *net);

/*
 * Let a value arrive at a neuron in the step that runs next. Tensor inputs take a level of the declared range once a
 * neuron and step; event inputs take 32 bits, and values that meet add up. Returns 0, or 1 if there is no such input
 * or neuron or the value or sum is out of range; then nothing is fed.
 */
int32_t snncc_input(snncc_net *net, int32_t input, int32_t neuron, int64_t value);

/*
 * Run one step. Returns 0, or 1 + the number of the first population in which a state or a payload left its declared
 * width; it goes on returning that, without running, until snncc_reset.
 */
int32_t snncc_step(snncc_net *net);

/* Spikes of the step that ran last: how many, and of each, in no particular order, the neuron and the payload. */
int32_t snncc_spike_count(const snncc_net *net, int32_t population);
int32_t snncc_spike_neuron(const snncc_net *net, int32_t population, int32_t spike);
int64_t snncc_spike_payload(const snncc_net *net, int32_t population, int32_t spike);

/* Membranes after the step that ran last: of one neuron, or of all in order. */
int64_t snncc_membrane(const snncc_net *net, int32_t population, int32_t neuron);
void snncc_membranes(const snncc_net *net, int32_t population, int64_t *membranes);

/* Whether an output is read in the step that ran last, and what is read: its exact scale stands in manifest.json. */
int32_t snncc_output_ready(const snncc_net *net, int32_t output);
int64_t snncc_output(const snncc_net *net, int32_t output, int32_t element);

/* Constant arrays: their checksums (see weights.txt) and their size in bytes. */
uint64_t snncc_array_checksum(int32_t array);
size_t snncc_flash_bytes(void);

#endif
