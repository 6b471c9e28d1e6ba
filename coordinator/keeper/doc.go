// Package keeper is what every coordinator does, whether it leads or not: it holds on
// its disk the inputs of running jobs, their results and the datasets, reads them over
// and over to see whether they are still there, and confirms to the leader what it has.
//
//	keeper     the loop over the state
//	results    which results are to be copied, job by job in turn
//	errands    results that are not here yet
//	holders    which nodes have them
//	origins    from whom they come, how many at a time and how fast
//	room       how much may be on its way
//	flights    what is on its way
//	copies     how results get here
//	lines      how fast bytes come in all, and whether this line is what is slow
//	outlook    what a result may cost in time until it is computed again
//	review     what comes too late or not at all
//	copying    what is still to come, for people
//	charges    what is to be held for as long as the state says so
//	holding    how a charge gets here and stays
//	turns      whose datasets are copied at a time
//	sizes      what is said of a blob against what its manifest says
//	space      how much of the disk is for what
//	scrub      whether the disk still has what it had
//	access     who may read what is here
package keeper
