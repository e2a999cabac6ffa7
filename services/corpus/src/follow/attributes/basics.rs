//! Attributes: what may be asked of anything.

use super::Attribute;

pub(super) const ATTRIBUTES: &[Attribute] = &[
    (
        "weight",
        "how [a:heavy] $is?|how much $does [a:weigh]?|what $does [a:weigh]?|and the [a:weight]?|\
         what is the [a:weight]$of?|$is [a:heavy] to carry?|$is [a:light]?|\
         i've a bad back and i'd be lugging $obj up four flights. [a:weight]?|\
         my nan has to lift $obj herself, $isnt too [a:heavy] for her?|\
         tell me it doesn't [a:weigh] a ton|will the postman hate me, as in how [a:heavy] $is?|\
         $does [a:weigh] more than 5 kilos?|there's nothing on the page regarding [a:weight]|\
         i'd be carrying $obj all day. [a:light enough]?|u know the [a:weight] by any chance|\
         i count every gram when hiking, what do the [a:scales say]",
        "$n g|$d.4 kg|$n kg",
    ),
    (
        "material|fabric|upper|outer",
        "what $is [a:made] of?|what [a:material] $is?|which [a:material] is used?|\
         $is real [a:leather]?|what [a:fabric] $is?|$is [a:plastic]?|what are the [a:materials]?|\
         so $itis [a:wool], right?|i don't want anything synthetic. what's it [a:made] from?|\
         please say $itis not [a:polyester]|what did they [a:make] $obj out of|\
         my skin reacts to acrylic, is there any [a:acrylic] in there?|\
         $is solid [a:wood] or veneer?|proper [a:metal] or does it just look like it|\
         hi, from which [a:material] is this product?|which country is the [a:cotton] from|\
         $itis [a:genuine leather] i assume?|what [a:stuff] $is made of",
        "$m|$m and $m|90% $m, 10% $m|recycled $m",
    ),
    (
        "waterproof|water_resistance",
        "$is [a:waterproof]?|$is [a:water resistant]?|can $it get [a:wet]?|\
         will $it survive the [a:rain]?|$does keep [a:water out]?|\
         is the [a:waterproofing] any good?|$is ok in the [a:rain]?|\
         i live in manchester so you can guess: [a:waterproof]?|\
         got caught in a downpour with my last one and it died. will $it cope with [a:rain]?|\
         we leave everything on the deck of our boat. is [a:sea spray] a problem?|\
         suppose i drop $obj in a [a:puddle], is that the end of it?|\
         will my things stay [a:dry inside]?|can u [a:shower] with it on|\
         the old one let in [a:water], does this one?|$itis [a:waterproof], isn't it?|\
         only [a:showerproof] or properly [a:waterproof]?",
        "yes|no|IPX$d|splash proof",
    ),
    (
        "waterproof_rating|hydrostatic_head",
        "what is the [a:hydrostatic head]$of?|what [a:waterproof rating] $does have?|\
         how [a:waterproof] $is?|how much [a:rain] can $it take?|what mm [a:rating] is that?|\
         $does have an [a:IP rating]?|$is [a:IP67] or better?|\
         what [a:column of water] in mm did they test $obj to?|\
         my club asks for a minimum [a:waterproof rating], what's the figure?|[a:ip rating] pls|\
         proper storm on a moor, how much [a:water] can $it stand?",
        "$n0 mm|$d000 mm",
    ),
    (
        "dimensions|size|measurements",
        "what are the [a:dimensions]$of?|how [a:big] $is?|how [a:large] $is?|\
         what are the [a:measurements]?|what [a:size] $is?|$is [a:big]?|\
         can you give me the [a:dimensions]$of?|\
         i have a gap of 60 cm next to the fridge. what are the [a:measurements]?|\
         will $it go in the boot of a [a:fiat 500]?|will $it fit through a normal [a:door]?|\
         our hallway is tiny. what [a:footprint] $does have?|\
         please give me [a:length width height]|is $it about the [a:size] of a shoebox?|\
         cannot judge from the picture how [a:big] $is|\
         L x W x H? need the [a:dimensions] for the shelf|would $it go under the [a:stairs]?|\
         $does take up much [a:room]?",
        "$n x $n cm|$n x $n x $d cm|$n cm tall",
    ),
    (
        "width",
        "how [a:wide] $is?|what's the [a:width]$of?|and the [a:width]?|$is [a:wide]?|\
         doorway is 76 cm, what [a:width] $is?|\
         need to squeeze $obj between two cupboards so tell me the [a:width]|\
         side to side, what are we talking in [a:width]?|\
         anything wider than 40 is no use to me. [a:width]?|\
         $is [a:narrow enough] for a galley kitchen?|how [a:broad] $is",
        "$n cm|$n mm",
    ),
    (
        "height",
        "how [a:tall] $is?|how [a:high] $is?|what is the [a:height]$of?|and [a:height]?|\
         there's a sloping ceiling, so [a:height matters]. what is it?|\
         i have 85 cm under the worktop. the [a:height]?|\
         $is [a:tall enough] for a man of 6 foot 3?|$does come up to my [a:waist]?|\
         from floor to top, what's the [a:height]?|$is quite [a:low] or what",
        "$n cm|$n mm",
    ),
    (
        "length",
        "how [a:long] $is?|what is the [a:length]$of?|[a:length]?|what [a:length] $is?|\
         i'm six foot four. $is [a:long enough]?|end to end how [a:long] $is|\
         only got two metres of wall. what [a:length]?|\
         would the [a:length] be ok for a double bed?|$isnt a bit [a:short]?|\
         could you run a tape measure along it, i need the [a:length]",
        "$n cm|$d m",
    ),
    (
        "depth",
        "how [a:deep] $is?|what's the [a:depth]$of?|and how [a:deep]?|\
         my shelf is only 30 cm, how much [a:depth] $does need?|\
         front to back, what's the [a:depth]?|$does stick out far from the [a:wall]?|\
         $is [a:shallow]?|[a:depth] is what worries me, the alcove is 35",
        "$n cm",
    ),
    (
        "diameter",
        "what is the [a:diameter]$of?|how wide $is [a:across]?|what [a:diameter] $is?|\
         and the [a:diameter]?|need $obj to sit on a 28 ring, so [a:diameter]?|\
         [a:across the top], how many cm?|what's the [a:bore]?|\
         does the [a:diameter include] the rim?|inner or outer [a:diameter], and how much?|\
         the hole in my worktop is 35 mm. what [a:diameter] $does need?",
        "$n cm|$n mm",
    ),
    (
        "thickness",
        "how [a:thick] $is?|what's the [a:thickness]$of?|$is [a:thick]?|and the [a:thickness]?|\
         my old one was paper thin. what [a:thickness] $is?|\
         the doors only just clear the floor. how [a:thick]?|\
         $is flimsy, or a decent [a:thickness]?|[a:thickness] in mm pls|\
         would you call it [a:thin]?|how many millimetres [a:thick] would you say",
        "$n mm|$d cm",
    ),
    (
        "warranty",
        "how long is the [a:warranty]?|$does have a [a:warranty]?|\
         what [a:warranty] $does come with?|$does come with a [a:guarantee]?|\
         how long is the [a:guarantee]$of?|is there a [a:guarantee]?|\
         how long $is [a:guaranteed] for?|\
         what if it packs up after six months, any [a:warranty]?|\
         had one break in a year. how long do you stand behind this one, what's the [a:guarantee]?|\
         [a:manufacturer's warranty]?|is there [a:cover] if the motor goes?|\
         $does come with any sort of [a:guarantee against rust]?|\
         does the [a:warranty count] for business use?|they say lifetime [a:warranty], true?|\
         and if it breaks? [a:guarantee]?",
        "$d years|1 year|$n months",
    ),
    (
        "care|cleaning|washing",
        "can i [a:wash] $obj?|how do i [a:clean] $obj?|$is [a:machine washable]?|\
         how should i [a:wash] $obj?|any [a:care instructions]?|can i put it in the [a:dryer]?|\
         $is [a:washable]?|$is easy to [a:clean]?|my kids spill everything. can you [a:wash] it?|\
         $is [a:dry clean only]?|at what temperature should i [a:launder] $obj?|\
         can i [a:iron] $obj?|chuck it in the [a:washer], yes or no?|\
         will $it shrink in the [a:wash]?|\
         wine stains... do they come out, how do you [a:clean] it?|$does [a:tumble dry]?|\
         what do i use to [a:polish] $obj?|please, how to [a:clean] this thing?",
        "wash at 30 degrees|wipe with a damp cloth|hand wash only|machine washable at 40",
    ),
    (
        "origin|made_in",
        "where $is [a:made]?|which [a:country] $does come from?|where was it [a:produced]?|\
         country of [a:origin]?|where $is [a:manufactured]?|$is [a:made] in the UK?|\
         $itis not [a:made] in china, is it?|who [a:sews] these|british [a:made]?|\
         i only buy things [a:made] in europe. where $does come from?|which [a:factory made] it?|\
         in what [a:country] do they make this?|does your range get [a:designed in-house]?|\
         from where is the [a:origin]|made by hand or in a [a:factory]?|\
         is it a [a:local product]?",
        "Portugal|Italy|Vietnam|Germany|India|Turkey",
    ),
    (
        "age|recommended_age",
        "from what [a:age] $is?|what [a:age] $is for?|$is safe for [a:toddlers]?|\
         how [a:old] should a child be for it?|$is suitable for a baby's [a:age]?|\
         what [a:age range] $is?|my grandson is two. too [a:young] for it?|\
         she turns 9 in may, is that the right [a:age]?|\
         any [a:small parts] a baby could swallow?|is it more for [a:teenagers]?|\
         what [a:age] would you say|for a boy of 6, is the [a:age] ok?|\
         he's [a:fourteen], $is too babyish?",
        "from $d years|$d to $n years|$d+",
    ),
    (
        "max_load|load",
        "how much weight can $it [a:carry]?|what's the [a:maximum load]$of?|\
         how much can $it [a:bear]?|how much weight can $it [a:take]?|\
         what [a:load] can $it take?|i'm 19 stone, will $it hold my [a:weight]?|\
         i'd put a tv on it. what [a:load]?|\
         two toddlers and the shopping, is there a [a:weight limit]?|\
         what's the max [a:user weight]?|how many kilos before it [a:breaks]?|\
         would $it [a:support] a fish tank?|$is [a:strong enough] for a motorbike?",
        "$n kg",
    ),
    (
        "spare_parts|spares",
        "can i get [a:spare parts]?|are there [a:spares] for it?|\
         do you sell [a:replacement parts]?|is there a spare [a:filter]?|\
         can $it be [a:repaired]?|if the [a:seal perishes] can i get another?|\
         i like to mend things. $is [a:repairable]?|can i buy just the [a:jug]?|\
         who would [a:service] it?|do they still make [a:parts] for it?|new [a:brush heads]?|\
         is it throwaway or can you [a:fix] it?",
        "available|10 years|on request",
    ),
    (
        "certification|certificates|standard",
        "what [a:certification] $does have?|$is [a:certified]?|$is [a:organic]?|\
         $is [a:fair trade]?|does that meet the [a:safety standard]?|is it [a:ce marked]?|\
         $does have the [a:kitemark]?|[a:oeko-tex]?|need [a:EN 388] for work. has it got that?|\
         [a:soil association]?|any [a:test report]?|meets [a:british standards]?|\
         $is [a:approved] for road use?|$is [a:fsc wood]|are the workers [a:paid fairly]?",
        "GOTS|CE|EN $n|FSC",
    ),
    (
        "recyclable|recycled",
        "$is [a:recyclable]?|can i [a:recycle] $obj?|$is [a:recycled]?|$is [a:eco friendly]?|\
         how much is [a:recycled]?|what do i do with it at the end, [a:recycle]?|\
         $is bad for the [a:planet]?|$does end in [a:landfill]?|[a:compostable]?|\
         made from [a:recycled bottles]?|[a:plastic free]?|what's the [a:carbon footprint]?|\
         [a:biodegradable]?|is the box [a:recyclable]",
        "yes|$d0%|no",
    ),
    (
        "accessories|case",
        "what [a:accessories] $does come with?|$does come with a [a:case]?|\
         is a [a:bag included]?|are [a:accessories included]?|is there a [a:charger] in the box?|\
         do i get a [a:bag] with it?|anything extra, or is the [a:pump included]?|[a:remote]?|\
         need to buy [a:cables] too?|does it have its own [a:stand]?|\
         are the [a:attachments extra]?|is the [a:mouse] with it|\
         ready to go or are there [a:extras]?",
        "case|bag and brush|none",
    ),
    (
        "installation",
        "how do i [a:install] $obj?|$does need [a:installing]?|can i [a:fit] $obj myself?|\
         is the [a:installation hard]?|do i need a [a:plumber]?|do i need an [a:electrician]?|\
         just plug in or [a:wired] in?|easy for one person to [a:fit]?|\
         my landlord won't let me drill, how's it [a:installed]?|\
         how long $does take to [a:install] one|can a pensioner [a:set] it up?",
        "plug in|$n minutes|by an electrician",
    ),
    (
        "hypoallergenic",
        "$is [a:hypoallergenic]?|does that cause [a:allergies]?|$is good for [a:allergies]?|\
         i have an [a:allergy], can i use it?|i come out in a [a:rash] with most things|\
         my boy has asthma, $is [a:hypoallergenic]?|any [a:latex] in it?|[a:dust mites]?|\
         would $it make me [a:itch]?|i'm allergic to [a:lanolin]. safe?",
        "yes|no",
    ),
    (
        "model_year|release",
        "what [a:year] $is from?|$is the latest [a:model]?|which [a:model] $is?|\
         when did it [a:come out]?|is it the [a:new] one or last year's?|\
         when's the next [a:version coming]?|which [a:generation]?|\
         are you selling me an [a:old model]?|from which [a:year]|[a:v2] or v3?|\
         how $is different from the [a:previous model]?|$is [a:second hand]?",
        "20$d5|2024|second edition",
    ),
    (
        "water_temperature|temperature_range",
        "how hot does the [a:water temperature] get?|\
         can i set the [a:temperature] for green tea?|lowest [a:temperature]?|\
         $does go below 60 for a baby [a:bottle]?|exact [a:degrees] or just hot and cold",
        "$n C|$d to $n C",
    ),
];
