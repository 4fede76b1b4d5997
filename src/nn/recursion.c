#include "src/nn/recursion.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A signature is parsed into a small tree, then expanded into steps. */
enum { MAX_NODES = 256, MAX_STEPS = 4096, MAX_EXPONENT = 1024, MAX_NESTING = 32, N_LETTERS = 26 };

typedef struct Node {
    int group;             /* index of the letter in order of first appearance, -1: parentheses */
    int exponent;          /* 1 where none is written */
    bool recursive;        /* an exponent is written */
    int first_child, next; /* indices, -1: none */
} Node;

typedef struct Signature {
    const char *text, *at;
    Node nodes[MAX_NODES];
    int n_nodes, nesting;
    int group_of[N_LETTERS]; /* -1: letter not seen */
    int size[N_LETTERS];     /* blocks per group, 0: an equal share */
    int n_groups, n_uses;    /* letters, and how often letters appear */
    int root, target;        /* target: outermost first recursive node, -1: none */
} Signature;

static RinsStatus bad(const Signature *s, const char *what) {
    return RINS_FAIL(RINS_ERR_CONFIG,
                     "signature '%s': %s at position %d (forms: A, A^2B, (AB)^2, ((A^2B)^2C), A:4^2 B:8)", s->text,
                     what, (int)(s->at - s->text) + 1);
}

static char peek(Signature *s) {
    while (isspace((unsigned char)*s->at)) s->at++;
    return *s->at;
}

static RinsStatus parse_number(Signature *s, int max, int *value) {
    if (!isdigit((unsigned char)peek(s))) return bad(s, "a whole number is missing");
    char *end;
    const long number = strtol(s->at, &end, 10);
    if (number < 1 || number > max) return bad(s, "a number is out of range");
    s->at = end;
    *value = (int)number;
    return RINS_OK;
}

static RinsStatus parse_letter(Signature *s, Node *node) {
    const int letter = *s->at++ - 'A';
    s->n_uses++;
    if (s->group_of[letter] < 0) s->group_of[letter] = s->n_groups++;
    node->group = s->group_of[letter];
    if (peek(s) != ':') return RINS_OK;
    s->at++;
    int size;
    RINS_TRY(parse_number(s, MAX_STEPS, &size));
    if (s->size[node->group] && s->size[node->group] != size) return bad(s, "a letter has two different sizes");
    s->size[node->group] = size;
    return RINS_OK;
}

static RinsStatus parse_sequence(Signature *s, int *first);

static RinsStatus parse_item(Signature *s, int *index) {
    if (s->n_nodes == MAX_NODES) return bad(s, "too long");
    *index = s->n_nodes++;
    Node *node = &s->nodes[*index];
    *node = (Node){.group = -1, .exponent = 1, .first_child = -1, .next = -1};
    const char c = peek(s);
    if (c >= 'A' && c <= 'Z') {
        RINS_TRY(parse_letter(s, node));
    } else if (c == '(') {
        if (++s->nesting > MAX_NESTING) return bad(s, "parentheses too deep");
        s->at++;
        RINS_TRY(parse_sequence(s, &node->first_child));
        if (peek(s) != ')') return bad(s, "')' is missing");
        s->at++;
        s->nesting--;
    } else {
        return bad(s, c ? "a capital letter or '(' was expected" : "a group is missing");
    }
    if (peek(s) != '^') return RINS_OK;
    s->at++;
    node->recursive = true;
    return parse_number(s, MAX_EXPONENT, &node->exponent);
}

static RinsStatus parse_sequence(Signature *s, int *first) {
    int last = -1;
    do {
        int index = -1;
        RINS_TRY(parse_item(s, &index));
        if (last < 0)
            *first = index;
        else
            s->nodes[last].next = index;
        last = index;
    } while (peek(s) != 0 && *s->at != ')');
    return RINS_OK;
}

static RinsStatus parse(Signature *s, const char *text) {
    *s = (Signature){.text = text, .at = text, .target = -1};
    for (int i = 0; i < N_LETTERS; i++) s->group_of[i] = -1;
    RINS_TRY(parse_sequence(s, &s->root));
    if (peek(s) != 0) return bad(s, "')' without '('");
    /* Nodes are numbered in reading order, so the first recursive one is the outermost first. */
    for (int i = 0; i < s->n_nodes && s->target < 0; i++)
        if (s->nodes[i].recursive) s->target = i;
    return RINS_OK;
}

/* Letters without a size share what is left; the first ones get one more where it does not divide. */
static void share_out(const Signature *s, int rest, int shares, int begin[N_LETTERS + 1]) {
    begin[0] = 0;
    for (int g = 0, used = 0; g < s->n_groups; g++) {
        int size = s->size[g];
        if (size == 0) size = rest / shares + (used < rest % shares), used++;
        begin[g + 1] = begin[g] + size;
    }
}

/* The signature with these sizes written out: "A:7^2 B:6". Gives its length, `room` or more where it is cut. */
static size_t write_sizes(const Signature *s, const int begin[N_LETTERS + 1], char *text, size_t room) {
    size_t used = 0;
    int seen = 0; /* groups; a size is written where a letter comes first */
    for (const char *at = s->text; *at && used < room; at++) {
        const bool letter = *at >= 'A' && *at <= 'Z';
        if (isspace((unsigned char)*at)) continue;
        const bool apart = used && (letter || *at == '(') && isdigit((unsigned char)text[used - 1]);
        used += (size_t)snprintf(text + used, room - used, apart ? " %c" : "%c", *at);
        if (letter && s->group_of[*at - 'A'] == seen && used < room) {
            used += (size_t)snprintf(text + used, room - used, ":%d", begin[seen + 1] - begin[seen]);
            seen++;
        }
        const size_t colon = letter ? 1 + strspn(at + 1, " \t\n\v\f\r") : 0;
        if (letter && at[colon] == ':') at += colon + strspn(at + colon + 1, " \t\n\v\f\r0123456789"); /* its own */
    }
    return used;
}

static RinsStatus uneven(const Signature *s, int depth, int given, int shares) {
    const int rest = depth - given, low = (rest < shares ? 1 : rest / shares) * shares + given;
    int begin[N_LETTERS + 1];
    char sizes[128];
    share_out(s, rest, shares, begin);
    const bool fits = rest >= shares && write_sizes(s, begin, sizes, sizeof sizes) < sizeof sizes;
    return RINS_FAIL(RINS_ERR_CONFIG,
                     "signature '%s' needs %d equal groups, which depth %d does not give: use depth %d or %d%s%s%s",
                     s->text, shares, depth, low, low + shares, fits ? ", or sizes such as '" : "", fits ? sizes : "",
                     fits ? "'" : "");
}

/* Blocks of each group as [begin[g], begin[g + 1]). */
static RinsStatus split_groups(const Signature *s, int depth, int begin[N_LETTERS + 1]) {
    int given = 0, shares = 0;
    for (int g = 0; g < s->n_groups; g++) given += s->size[g], shares += s->size[g] == 0;
    const int rest = depth - given;
    const bool plain = s->target < 0 && s->n_uses == s->n_groups;
    if (rest < 0 || (shares == 0 && rest > 0))
        return RINS_FAIL(RINS_ERR_CONFIG, "signature '%s' names %d blocks, but the tower has depth %d", s->text, given,
                         depth);
    if (shares > 0 && (rest < shares || rest % shares != 0) && !plain) return uneven(s, depth, given, shares);
    share_out(s, rest, shares, begin);
    return RINS_OK;
}

typedef struct Expansion {
    const Signature *signature;
    const int *begin;
    RinsPlan *plan;
    int *round_end; /* number of steps after each round of the target */
    int n_round_ends, rounds;
} Expansion;

static RinsStatus add_group(Expansion *e, int group) {
    for (int block = e->begin[group]; block < e->begin[group + 1]; block++) {
        if (e->plan->n_steps == MAX_STEPS)
            return RINS_FAIL(RINS_ERR_CONFIG, "signature '%s' runs more than %d blocks", e->signature->text, MAX_STEPS);
        e->plan->steps[e->plan->n_steps++] = (RinsStep){.block = block, .adapter = -1};
    }
    return RINS_OK;
}

static RinsStatus expand(Expansion *e, int index) {
    for (; index >= 0; index = e->signature->nodes[index].next) {
        const Node *node = &e->signature->nodes[index];
        const bool target = index == e->signature->target;
        const int count = target ? e->rounds : node->exponent;
        for (int round = 0; round < count; round++) {
            RINS_TRY(node->group >= 0 ? add_group(e, node->group) : expand(e, node->first_child));
            if (target) e->round_end[e->n_round_ends++] = e->plan->n_steps;
        }
    }
    return RINS_OK;
}

static void mark_gradients(RinsPlan *plan) {
    for (int i = 0; i < plan->n_steps; i++) {
        RinsStep *step = &plan->steps[i];
        step->first_grad = step->last_grad = true;
        for (int j = 0; j < plan->n_steps; j++) {
            if (plan->steps[j].block != step->block) continue;
            if (j > i) step->first_grad = false; /* the backward pass was there already */
            if (j < i) step->last_grad = false;
        }
    }
}

static RinsStatus place_adapters(Expansion *e, RinsAdapter adapter, int trained) {
    RinsPlan *plan = e->plan;
    if (adapter == RINS_ADAPTER_NONE) return RINS_OK;
    if (trained < 2)
        return RINS_FAIL(RINS_ERR_CONFIG,
                         "signature '%s' has no second round, so it can have no adapter: set adapter: none",
                         e->signature->text);
    if (e->rounds > trained)
        return RINS_FAIL(RINS_ERR_CONFIG, "%d rounds asked for, but adapters were trained for at most %d", e->rounds,
                         trained);
    plan->n_adapters = trained - 1;
    if (adapter == RINS_ADAPTER_EXIT && e->rounds < trained)
        plan->steps[e->round_end[e->rounds - 1] - 1].adapter = e->rounds - 1;
    for (int gap = 0; adapter == RINS_ADAPTER_ROUND && gap + 1 < e->rounds; gap++)
        plan->steps[e->round_end[gap] - 1].adapter = gap;
    return RINS_OK;
}

RinsStatus rins_plan_make(RinsPlan *plan, const char *signature, int depth, int rounds, RinsAdapter adapter) {
    *plan = (RinsPlan){0};
    Signature s;
    int begin[N_LETTERS + 1];
    RINS_TRY(parse(&s, signature));
    RINS_TRY(split_groups(&s, depth, begin));
    const int trained = s.target < 0 ? 1 : s.nodes[s.target].exponent;
    if (rounds < 0 || rounds > MAX_EXPONENT)
        return RINS_FAIL(RINS_ERR_CONFIG, "rounds must be between 1 and %d, not %d", MAX_EXPONENT, rounds);
    if (rounds > 1 && s.target < 0)
        return RINS_FAIL(RINS_ERR_CONFIG, "signature '%s' has no recursive group, so it cannot run %d rounds",
                         signature, rounds);
    const int in_force = rounds ? rounds : trained;
    int *round_end = malloc((size_t)in_force * sizeof *round_end);
    plan->steps = malloc(MAX_STEPS * sizeof *plan->steps);
    Expansion e = {.signature = &s, .begin = begin, .plan = plan, .round_end = round_end, .rounds = in_force};
    RinsStatus status = round_end && plan->steps ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory for a plan");
    plan->n_blocks = depth;
    plan->rounds = in_force;
    if (status == RINS_OK) status = expand(&e, s.root);
    if (status == RINS_OK) status = place_adapters(&e, adapter, trained);
    if (status == RINS_OK)
        mark_gradients(plan);
    else
        rins_plan_free(plan);
    free(round_end);
    return status;
}

void rins_plan_free(RinsPlan *plan) {
    free(plan->steps);
    *plan = (RinsPlan){0};
}

RinsStatus rins_signature_rounds(const char *signature, int depth, int *rounds) {
    RinsPlan plan;
    RINS_TRY(rins_plan_make(&plan, signature, depth, 0, RINS_ADAPTER_NONE));
    *rounds = plan.rounds;
    rins_plan_free(&plan);
    return RINS_OK;
}
