//! Words that say how a customer asks, not what for. They are left out of a search where other
//! words remain, and they are never taken for misspelt product words.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Grammar and politeness.
static FUNCTION: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "a about actually after afternoon again ah all already alright also am an and another any \
     anybody anyone anything anyway are aren as ask asking at awesome be because been \
     before being both brilliant btw but by bye can cheers cool could couldn d did didn do \
     does doesn doing don done each either else enough evening ever every everything \
     exactly fab fair far few fine for from get getting give go going gonna good goodbye \
     got guys had haha has have haven having hello help her here hers hey hi him his hiya \
     how however i id if im in into is isn it its ive just kind kindly know let like ll \
     look looking lot lots lovely m many mate may maybe me mean might mine more morning \
     much must my myself need needed needs no nope not nothing now of off oh ok okay on \
     one ones only ooh or other our out perfect perhaps please pls possible possibly \
     pretty put question quick quickly quite rather re really right s said same say see \
     shall she should show since so some somebody someone something sorry sort still super \
     sure t take tbh tell than thank thanks that thats the their them then there these \
     they thing things think this those though thx to today too tried try trying u ur us \
     use ve very wanna want wanted wanting wants was wasn way we well were what whats when \
     where whether which while who whose why will with won wonder wondering would wouldn \
     wow y yeah yep yes yet you your yours yup"
        .split_whitespace()
        .collect()
});

/// Words of shopping that describe no product. In policies they carry meaning and stay.
static SHOPPING: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "afford affordable around availability available below best between browse budget buy \
     buying carry cheap cheaper cheapest cost costs dear dearest difference euro euros \
     expensive find gbp great interested item items least less max maximum minimum most \
     nice options order over pound pounds price priced prices pricey product products \
     purchase quid range recommend recommendation search searching sell selling sold stock \
     stocked suggest suggestion suggestions under up usd within"
        .split_whitespace()
        .collect()
});

/// Says whether a folded word only helps to ask.
pub(crate) fn is_function(word: &str) -> bool {
    FUNCTION.contains(word)
}

/// Says whether a folded word only helps to shop.
pub(crate) fn is_shopping(word: &str) -> bool {
    SHOPPING.contains(word)
}
